#!/bin/sh
# Makes a small image of this machine's own bash and some of its programs, without any registry:
#   make-image.sh NAME [PROGRAM...]      RUNTIME=docker make-image.sh …      FILES='/etc/openmpi …' make-image.sh …
set -eu
name=${1:-localhost/stoker-example:1}
[ $# -eq 0 ] || shift
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.tar"' EXIT
mkdir -p "$root/tmp" "$root/root" "$root/etc" "$root/run" "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
# As everywhere: accounts that are not root get through.
chmod 755 "$root"
chmod 1777 "$root/tmp"
for folder in bin sbin lib lib64; do [ ! -L "/$folder" ] || ln -s "usr/$folder" "$root/$folder"; done
echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"

# Files, and what they are linked to, by full paths.
add() {
  for file in "$@" $(ldd "$@" 2>/dev/null | grep -o '/[^ ]*[^ :]' | sort -u); do
    [ -e "$root$file" ] || cp -L --parents "$file" "$root"
  done
}

programs=
for program in bash sh cat chmod cp df env grep id ls mkdir mktemp rm sed sleep touch tr uname wc "$@"; do
  programs="$programs $(command -v "$program")"
done
# shellcheck disable=SC2086
add $programs
# Whole folders, and what the programs and plug-ins in them need.
for path in ${FILES:-}; do
  mkdir -p "$root$(dirname "$path")"
  cp -a "$path" "$root$path"
  # shellcheck disable=SC2046
  add $(find "$path" -type f \( -perm -100 -o -name '*.so*' \))
done
tar -C "$root" -c . >"$root.tar"
said=$("${RUNTIME:-podman}" import "$root.tar" "$name" 2>&1) || { echo "$said" >&2; exit 1; }
