import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { parse as parseYaml } from "yaml";
import { assert } from "./assert.js";
import { Fault } from "./fault.js";

/**
 * One table of settings gives a daemon its flags, its environment variables (`STOKER_<NAME>`), its configuration file's keys and its
 * help. A flag wins over the environment, that over the file, that over the default.
 */
export interface Setting<T> {
  /** What stands for the value in the help, such as `host:port`; none for a switch. */
  placeholder?: string;
  description: string;
  default?: T;
  /** The default as a user would write it, where that is none of the plain values. */
  defaultText?: string;
  /** Of a map in the file: `name: { key: value }` says the same as `name: value`, with this key. */
  key?: string;
  /** Throws a Fault when the text is not a value. */
  parse(text: string): T;
}

export type Settings = Record<string, Setting<unknown>>;
export type Values<S extends Settings> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

type Given<T> = { description: string; placeholder: string; default: T };
type Bare = { description: string; placeholder: string };

export const text = <O extends Bare | Given<string>>(options: O) =>
  ({ ...options, parse: (value: string) => value }) as Setting<O extends Given<string> ? string : string | undefined>;

export const whole = <O extends Bare | Given<number>>(options: O) =>
  ({
    ...options,
    parse: (value: string) => {
      if (!/^\d{1,15}$/.test(value.trim())) throw new Fault("invalid-argument", `"${value}" is not a whole number`);
      return Number(value);
    },
  }) as Setting<O extends Given<number> ? number : number | undefined>;

export const flag = (description: string): Setting<boolean> => ({
  description,
  default: false,
  parse: (value) => {
    if (/^(1|true|yes|on)$/i.test(value)) return true;
    if (/^(0|false|no|off|)$/i.test(value)) return false;
    throw new Fault("invalid-argument", `"${value}" is neither yes nor no`);
  },
});

/** `a=b,c=d` in a flag or variable; a map in the file. */
export const pairs = (options: Bare): Setting<Record<string, string>> => ({
  ...options,
  default: {},
  parse: (value) =>
    Object.fromEntries(
      value
        .split(",")
        .filter((part) => part.trim() !== "")
        .map((part) => {
          const at = part.indexOf("=");
          if (at < 1) throw new Fault("invalid-argument", `"${part}" is not NAME=VALUE`);
          return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
        }),
    ),
});

/** One of a few words. */
export const choice = <T extends string>(
  among: readonly T[],
  options: { description: string; placeholder: string; default: T },
): Setting<T> => ({
  ...options,
  parse: (value) => {
    const found = among.find((each) => each === value);
    if (found === undefined) throw new Fault("invalid-argument", `"${value}" is not one of ${among.join(", ")}`);
    return found;
  },
});

/** `a,b` in a flag or variable; a list in the file. */
export const list = (options: Bare): Setting<readonly string[]> => ({
  ...options,
  default: [],
  parse: (value) => value.split(",").flatMap((part) => part.trim() || []),
});

export interface Program<S extends Settings> {
  name: string;
  description: string;
  version: string;
  settings: S;
  /** Shown under the help. */
  example: string;
  /** Read when it exists and no `--config` names another. */
  configPath: string;
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const variable = (name: string) => `STOKER_${kebab(name).replaceAll("-", "_").toUpperCase()}`;

/** The command that knows every flag; the caller adds an action or subcommands and reads the values by `readSettings`. */
export function commandOf<S extends Settings>(program: Program<S>): Command {
  const command = new Command(program.name)
    .description(program.description)
    .version(program.version)
    .configureOutput({ outputError: (words, write) => write(`${words.trimEnd()} (--help says what there is)\n`) })
    .option(
      "--config <file>",
      `YAML file with any of these settings (default: ${program.configPath}; env: STOKER_CONFIG)`,
    )
    .addHelpText("after", `\nExample:\n  ${program.example}\n`);
  for (const [name, setting] of Object.entries(program.settings)) {
    const value = setting.placeholder === undefined ? "" : shownDefault(setting);
    const shown = value === "" ? "" : `; default: ${value}`;
    command.addOption(
      new Option(
        `--${kebab(name)}${setting.placeholder ? ` <${setting.placeholder}>` : ""}`,
        `${setting.description} (env: ${variable(name)}${shown})`,
      ),
    );
  }
  // For who makes the manual pages; commands that the caller adds are described, too.
  command.addOption(new Option("--describe", "").hideHelp());
  command.on("option:describe", () => {
    process.stdout.write(`${JSON.stringify(describe(program, command))}\n`);
    process.exit(0);
  });
  return command;
}

/** What a daemon says of itself. */
export interface ProgramDescription {
  description: string;
  example: string;
  configPath: string;
  settings: Array<{ key: string; flags: string; variable: string; description: string; default: string }>;
  commands: Array<{ usage: string; description: string; options: Array<{ flags: string; description: string }> }>;
}

function describe<S extends Settings>(program: Program<S>, command: Command): ProgramDescription {
  const options = ({ options }: Command) =>
    options.filter(({ hidden }) => !hidden).map(({ flags, description }) => ({ flags, description }));
  return {
    description: program.description,
    example: program.example,
    configPath: program.configPath,
    settings: Object.entries(program.settings).map(([name, setting]) => ({
      key: kebab(name),
      flags: `--${kebab(name)}${setting.placeholder ? ` <${setting.placeholder}>` : ""}`,
      variable: variable(name),
      description: setting.description,
      default: shownDefault(setting),
    })),
    commands: command.commands.map((each) => ({
      usage: `${command.name()} ${each.name()} ${each.usage()}`,
      description: each.description(),
      options: options(each),
    })),
  };
}

/** What a flag with the same meaning would hold; empty when nothing is said by default. */
function shownDefault({ default: value, defaultText }: Setting<unknown>): string {
  if (defaultText !== undefined) return defaultText;
  if (Array.isArray(value)) return value.join(",");
  if (typeof value !== "object" || value === null) return value === undefined ? "" : String(value);
  const entries = Object.entries(value);
  assert(
    entries.every(([, item]) => typeof item === "string"),
    "a default that is no plain value has a text",
  );
  return entries.map(([key, item]) => `${key}=${item}`).join(",");
}

/** For commands that speak of the daemon's own settings: throws a Fault when there is a file of them that only others may read. */
export function refuseUnreadable(
  { configPath }: Pick<Program<Settings>, "configPath">,
  flags: Record<string, unknown>,
) {
  if (flags.config !== undefined) return;
  try {
    accessSync(configPath, constants.R_OK);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause) || cause.code !== "EACCES") return;
    throw new Fault("permission-denied", `${configPath} can't be read: run this as root`, { cause });
  }
}

/** Throws a Fault that names the flag, variable or key that is wrong. */
export function readSettings<S extends Settings>(
  program: Program<S>,
  flags: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
): Values<S> {
  const file = readFile(program, flags, environment);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(program.settings)) {
    const fromFile = file.values[name] ?? file.values[kebab(name)];
    const sources: Array<[string, unknown]> = [
      [`--${kebab(name)}`, flagOf(flags, name)],
      [variable(name), environment[variable(name)]],
      [`${name} in ${file.path}`, fromFile],
    ];
    const source = sources.find(([, value]) => value !== undefined && value !== null);
    values[name] = source ? read(setting, ...source) : setting.default;
  }
  return values as Values<S>;
}

/** Commander keeps `--no-exec` as `exec: false`, which is true when nothing was said. */
function flagOf(flags: Record<string, unknown>, name: string): unknown {
  const positive = /^no([A-Z])(.*)$/.exec(name);
  if (!positive?.[1]) return flags[name];
  return flags[`${positive[1].toLowerCase()}${positive[2]}`] === false ? true : undefined;
}

function read(setting: Setting<unknown>, where: string, value: unknown): unknown {
  if (typeof value === "boolean" && setting.placeholder === undefined) return value;
  try {
    if (Array.isArray(value) && Array.isArray(setting.default)) return setting.parse(value.map(scalar).join(","));
    if (typeof value === "object" && value !== null) return setting.parse(asPairs(setting, value));
    return setting.parse(String(value));
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.code, `${where}: ${error.message}`);
    throw error;
  }
}

/** A map of the file as it would be written in a flag. */
function asPairs(setting: Setting<unknown>, value: object): string {
  if (typeof setting.default !== "object" || Array.isArray(value)) {
    throw new Fault("invalid-argument", "a list or a map where one value is expected");
  }
  const entries = Object.entries(value).map(
    ([key, item]: [string, unknown]) => [key, scalar(inner(item, setting.key))] as const,
  );
  const odd = entries.find(([key, item]) => key.includes("=") || `${key}${item}`.includes(","));
  if (odd) throw new Fault("invalid-argument", `"${odd[0]}": neither commas nor, in a name, "=" are possible here`);
  return entries.map(([key, item]) => `${key}=${item}`).join(",");
}

function inner(item: unknown, key: string | undefined): unknown {
  if (key === undefined || typeof item !== "object" || item === null || Array.isArray(item)) return item;
  const entries: Array<[string, unknown]> = Object.entries(item);
  return entries.length === 1 && entries[0]?.[0] === key ? entries[0][1] : item;
}

function scalar(item: unknown): string {
  if (typeof item === "string" || typeof item === "number" || typeof item === "boolean") return String(item);
  throw new Fault("invalid-argument", "each entry has one value");
}

function readFile<S extends Settings>(
  program: Program<S>,
  flags: Record<string, unknown>,
  environment: NodeJS.ProcessEnv,
) {
  const named = flags.config ?? environment.STOKER_CONFIG;
  const path = typeof named === "string" ? named : program.configPath;
  if (!existsSync(path)) {
    if (named === undefined) return { path, values: {} };
    throw new Fault("invalid-argument", `${path}: there is no such configuration file`);
  }
  const values = parseFile(path);
  const known = new Set(Object.keys(program.settings).flatMap((name) => [name, kebab(name)]));
  const unknown = Object.keys(values).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    throw new Fault(
      "invalid-argument",
      `${path}: unknown ${unknown.join(", ")}; ${program.name} --help lists what there is`,
    );
  }
  return { path, values };
}

function parseFile(path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Fault("invalid-argument", `${path}: ${cause instanceof Error ? cause.message : "not readable"}`, {
      cause,
    });
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new Fault("invalid-argument", `${path} must hold settings as NAME: VALUE lines`);
  }
  return content as Record<string, unknown>;
}
