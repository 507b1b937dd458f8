import { execFileSync } from "node:child_process";

/** Each is asked for once: a manual and a completion are made of the same ones. */
const asked = new Map<string, string>();

function help(program: string, ...words: string[]): string {
  const key = [program, ...words].join("\0");
  const known = asked.get(key);
  if (known !== undefined) return known;
  const text = execFileSync(process.execPath, [program, ...words, "--help"], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", COLUMNS: "80" },
  });
  asked.set(key, text);
  return text;
}

/** A manual page that says what `--help` says, so that there is one text. */
export function manualPage(name: string, summary: string, program: string, section: number): string {
  const text = help(program);
  const nouns = commandsIn(text).flatMap((noun) => {
    const own = help(program, noun);
    return [`.SS ${noun}`, ...verbatim(own)];
  });
  return [
    `.TH ${name.toUpperCase()} ${section} "" Stoker`,
    ".SH NAME",
    `${name} \\- ${escaped(summary)}`,
    ".SH USAGE",
    ...verbatim(text),
    ...(nouns.length > 0 ? [".SH COMMANDS", ...nouns] : []),
    "",
  ].join("\n");
}

const verbatim = (text: string) => [".nf", ...text.trimEnd().split("\n").map(escaped), ".fi"];

/** A line that begins with a dot would be an order to the formatter. */
const escaped = (line: string) =>
  line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");

/** Names in the list of commands of a help text. */
function commandsIn(text: string): string[] {
  const [, list = ""] = text.split(/^Commands:\n/m);
  const [own = ""] = list.split(/\n\n/);
  return own
    .split("\n")
    .flatMap((line) => /^ {2}([a-z][a-z-]*)/.exec(line)?.[1] ?? [])
    .filter((name) => name !== "help");
}

/** Bash's: commands, their verbs, and the options of the verb. */
export function completion(program: string): string {
  const nouns = commandsIn(help(program));
  const cases = nouns.flatMap((noun) => casesOf(program, [noun]));
  return [
    "# Bash completion of stoker; written by its own --help.",
    "_stoker() {",
    '  local word="${COMP_WORDS[COMP_CWORD]}" words',
    '  case "${COMP_WORDS[*]:1:COMP_CWORD-1} " in',
    ...cases,
    `    *) words="${nouns.join(" ")}" ;;`,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -o default -F _stoker stoker",
    "",
  ].join("\n");
}

/** The longer ones first: bash takes the first that fits. */
function casesOf(program: string, words: string[]): string[] {
  const text = help(program, ...words);
  const verbs = commandsIn(text);
  const own = (verbs.length > 0 ? verbs : optionsIn(text)).join(" ");
  return [
    ...verbs.flatMap((verb) => casesOf(program, [...words, verb])),
    `    "${words.join(" ")} "*) words="${own}" ;;`,
  ];
}

const optionsIn = (text: string) => [
  ...new Set([...text.matchAll(/^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm)].flatMap(([, option]) => option ?? [])),
];
