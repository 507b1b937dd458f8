import type { Noun, OptionSpec, Verb } from "../verb.js";

/** What may stand where the cursor is. */
export interface Suggestions {
  /** Each with a word on what it is. */
  words: ReadonlyArray<{ word: string; about: string }>;
  /** The shell's own names of files fit, too. */
  files: boolean;
  /** Names of these fit: of a noun that has a verb `list`. */
  namesOf?: Noun;
  /** What was given before the cursor, by the long names of options. */
  given: Readonly<Record<string, unknown>>;
}

export interface Tree {
  nouns: readonly Noun[];
  topVerbs: readonly Verb[];
  connectionOptions: readonly OptionSpec[];
}

/** `before` are the words between the program's name and the cursor's word. */
export function suggest(tree: Tree, before: readonly string[], current: string): Suggestions {
  let noun: Noun | undefined;
  for (let at = 0; at < before.length; at += 1) {
    const word = before[at] ?? "";
    const inner: Noun | undefined = (noun?.nouns ?? (noun ? [] : tree.nouns)).find(({ name }) => name === word);
    const verb: Verb | undefined = (noun ? noun.verbs : tree.topVerbs).find(({ name }) => name === word);
    if (verb) return ofVerb(tree, noun, verb, before.slice(at + 1), current);
    if (!inner) return nothing;
    noun = inner;
  }
  const nouns = noun ? (noun.nouns ?? []) : tree.nouns;
  const verbs = noun ? noun.verbs : tree.topVerbs;
  const words = [...nouns, ...verbs.filter(({ hidden }) => !hidden)];
  return {
    ...nothing,
    words: starting(
      current,
      words.map(({ name, description }) => ({ word: name, about: description })),
    ),
  };
}

const nothing: Suggestions = { words: [], files: false, given: {} };

function ofVerb(
  tree: Tree,
  noun: Noun | undefined,
  verb: Verb,
  before: readonly string[],
  current: string,
): Suggestions {
  const options = [...verb.options, ...(verb.local ? [] : tree.connectionOptions)].map(parsed);
  const { given, open, positional } = read(options, before);
  if (open) return { ...suggestValue(tree, noun, open, current), given };
  if (current.startsWith("-")) {
    const shown = options.filter(({ spec }) => !spec.hidden);
    const words = shown.map(({ long, spec }) => ({ word: `--${long}`, about: spec.description }));
    return { ...nothing, words: starting(current, words), given };
  }
  const argument = verb.argument?.split(" ")[positional];
  if (argument === "[name]" && noun && given.name === undefined && listOf(noun))
    return { ...nothing, namesOf: noun, given };
  return { ...nothing, files: argument !== undefined && /file|folder|path/.test(argument), given };
}

/** What an option of this name takes the name of, where the option does not have the noun's own. */
const kinds: Readonly<Record<string, string>> = { nfs: "file-server", target: "cluster" };

function suggestValue(tree: Tree, noun: Noun | undefined, { long, value, spec }: Parsed, current: string): Suggestions {
  if (spec.choices)
    return {
      ...nothing,
      words: starting(
        current,
        spec.choices.map((word) => ({ word, about: "" })),
      ),
    };
  const kind = long === "name" ? noun : tree.nouns.find(({ name }) => name === (kinds[long] ?? long));
  if (kind && listOf(kind)) return { ...nothing, namesOf: kind };
  return { ...nothing, files: /file|folder|path|key/.test(`${long} ${value}`) };
}

export const listOf = (noun: Noun): Verb | undefined => noun.verbs.find(({ name }) => name === "list");

interface Parsed {
  short: string | undefined;
  long: string;
  /** What stands for its value; undefined for a switch. */
  value: string | undefined;
  spec: OptionSpec;
}

/** `-n, --name <name>` */
function parsed(spec: OptionSpec): Parsed {
  const [, short, long = "", value] = /^(?:-(\w), )?--([a-z][-a-z]*)(?: [<[](.*)[>\]])?$/i.exec(spec.flags) ?? [];
  return { short, long, value, spec };
}

/** What was given before the cursor, and the option whose value is at the cursor. */
function read(options: readonly Parsed[], words: readonly string[]) {
  const given: Record<string, unknown> = {};
  let open: Parsed | undefined;
  let positional = 0;
  for (const word of words) {
    if (open) {
      given[camel(open.long)] = word;
      open = undefined;
      continue;
    }
    const [, long, joined] = /^--([^=]+)(?:=(.*))?$/.exec(word) ?? [];
    const option = options.find((each) => (long === undefined ? `-${each.short}` === word : each.long === long));
    if (!option) positional += word.startsWith("-") ? 0 : 1;
    else if (option.value === undefined) given[camel(option.long)] = true;
    else if (joined !== undefined) given[camel(option.long)] = joined;
    else open = option;
  }
  return { given, open, positional };
}

const camel = (long: string) => long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const starting = (current: string, words: ReadonlyArray<{ word: string; about: string }>) =>
  words.filter(({ word }) => word.startsWith(current));
