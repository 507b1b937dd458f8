/** Each shell's part: it asks `stoker complete` at every press of the key, so that it never has to be made anew. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export const scripts: { readonly [S in Shell]: string } = {
  bash: `# Bash completion of stoker: put it into /usr/share/bash-completion/completions/stoker, or source it.
_stoker() {
  local IFS=$'\\n' line
  COMPREPLY=()
  for line in $(stoker complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    case $line in
      :files) COMPREPLY+=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done
}
complete -F _stoker stoker
`,
  zsh: `#compdef stoker
# Zsh completion of stoker: put it into a folder of $fpath as _stoker.
_stoker() {
  local line about
  local -a found
  for line in "\${(@f)$(stoker complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) _files ;;
      ?*)
        about=\${line#*$'\\t'}
        found+=("\${\${line%%$'\\t'*}//:/\\\\:}\${about:+:$about}") ;;
    esac
  done
  (( \${#found} )) && _describe stoker found
}
if [ "$funcstack[1]" = _stoker ]; then _stoker "$@"; else compdef _stoker stoker; fi
`,
  fish: `# Fish completion of stoker: put it into ~/.config/fish/completions/stoker.fish.
function __stoker_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (stoker complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c stoker -f -a "(__stoker_complete)"
`,
};
