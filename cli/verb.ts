import type { Call } from "./call.js";

/** One option of a verb, as commander wants it. */
export interface OptionSpec {
  /** Such as `-n, --name <name>`; the long word names the value, in camel case. */
  flags: string;
  description: string;
  /** Given several times, its values are kept in a list. */
  repeatable?: boolean;
  /** What one may give; anything else is refused. */
  choices?: readonly string[];
  hidden?: boolean;
}

/** `stoker <noun> <verb>`. Loads what it needs of gRPC and protobuf by `call.session()`, so that help and completion stay quick. */
export interface Verb {
  name: string;
  /** One line, shown in the list of commands. */
  description: string;
  /** More, shown in its own help. */
  details?: string;
  example: string;
  /** Positional words, such as `[name]`, `<command...>` or `<from> <to>`. */
  argument?: string;
  options: readonly OptionSpec[];
  /** Its positional words may start with a dash. */
  passThrough?: boolean;
  /** An older spelling: taken, and not shown. */
  hidden?: boolean;
  /** Talks to no coordinator: has no options for one. */
  local?: boolean;
  /** The exit code, when it is not 0. */
  run(call: Call): Promise<number | undefined>;
}

export interface Noun {
  name: string;
  description: string;
  verbs: readonly Verb[];
  /** What belongs to it, with verbs of its own: `stoker workspace quota set`. */
  nouns?: readonly Noun[];
}
