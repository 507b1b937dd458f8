import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Shell, scripts, shells } from "./scripts.js";

const program = resolve(import.meta.dirname, "../../dist/stoker.js");
const folder = mkdtempSync(join(tmpdir(), "stoker-completion-"));

beforeAll(() => {
  for (const name of ["bin", "home", "zsh"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "bin/stoker"), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, "zsh/_stoker"), scripts.zsh);
  writeFileSync(join(folder, "stoker.bash"), scripts.bash);
  writeFileSync(join(folder, "stoker.fish"), scripts.fish);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A shell of its own that somebody types in: zsh completes for nobody else. */
const typing = `
zmodload zsh/zpty
zpty -b shell zsh -f -i
await() {
  local end=$((SECONDS + 40)) chunk
  out=
  while [[ $out != *$1* ]] && (( SECONDS < end )); do
    zpty -r -t shell chunk && out+=$chunk || sleep 0.05
  done
}
zpty -w shell "PS1=; fpath=($2 \\$fpath); autoload -Uz compinit; compinit -u -D; print REA''DY"
await READY
zpty -w -n shell "$1"$'\\t'
await "$3"
print -r -- "$out"
zpty -d shell
`;

/** What stands on the command line, or is offered there, once the key is pressed at its end. */
const pressed: { readonly [S in Shell]: (line: string, expected: string) => string } = {
  bash(line) {
    const words = line.split(" ");
    const offered = `. ${folder}/stoker.bash; COMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}; _stoker`;
    return run("bash", ["-c", `${offered}; printf '%s\\n' "\${COMPREPLY[@]}"`]);
  },
  zsh: (line, expected) => run("zsh", ["-f", "-c", typing, "zsh", line, join(folder, "zsh"), expected]),
  fish: (line) => run("fish", ["-c", `source ${folder}/stoker.fish; complete -C '${line}'`]),
};

function run(shell: string, words: string[]): string {
  const path = [join(folder, "bin"), process.env.PATH ?? ""].join(delimiter);
  return execFileSync(shell, words, {
    env: { PATH: path, HOME: join(folder, "home"), TERM: "dumb" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const isThere = (shell: Shell) => spawnSync(shell, ["-c", "exit"]).status === 0;

/** Each shell that this machine has. */
test.each(shells.filter(isThere))(
  "%s completes verbs, options and their values",
  (shell) => {
    for (const [line, expected] of [
      ["stoker job sho", "show"],
      ["stoker node drain --re", "--reason"],
      ["stoker job create -o ta", "table"],
    ] as const) {
      expect(pressed[shell](line, expected)).toContain(expected);
    }
  },
  180_000,
);
