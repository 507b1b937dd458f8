import { execFileSync } from "node:child_process";
import { nouns, topVerbs } from "../../cli/commands/index.js";
import { connectionOptions } from "../../cli/options.js";
import type { Noun, OptionSpec, Verb } from "../../cli/verb.js";
import type { ProgramDescription } from "../../shared/config.js";
import { bold, escaped, item, page, paragraph, type Roff, section, see, subsection, verbatim } from "./roff.js";

export interface ManualPage {
  /** Below usr/share/man. */
  path: string;
  text: string;
}

const made = (name: string, number: number, summary: string, body: Roff): ManualPage => ({
  path: `man${number}/${name}.${number}`,
  text: page(name, number, summary, body),
});

/** stoker(1), and a page for each noun: made of the same lists as the commands themselves. */
export function commandPages(summary: string): ManualPage[] {
  return [overview(summary), ...nouns.map((noun) => nounPage(noun, [noun.name]))];
}

function overview(summary: string): ManualPage {
  const shown = topVerbs.filter(({ hidden }) => !hidden);
  return made("stoker", 1, summary, [
    ...section("SYNOPSIS", `${bold("stoker")} noun verb [options]`, ".br", `${bold("stoker")} verb [options]`),
    ...section("DESCRIPTION"),
    ...paragraph(
      "Speaks to a Stoker coordinator, which keeps the jobs of a lab and the machines that run them. Words and files are those of Azure Batch AI.",
    ),
    ...section(
      "NOUNS",
      ...nouns.flatMap(({ name, description }) => [".TP", `${bold(`stoker-${name}`)}(1)`, escaped(description)]),
    ),
    ...section("VERBS", ...shown.flatMap((verb) => verbPart(verb, [verb.name]))),
    ...section("CONNECTION", ...connectionOptions.filter(({ hidden }) => !hidden).flatMap(optionPart)),
    ...section(
      "EXIT STATUS",
      ...item("0", "It is done."),
      ...item("1", "It failed, or the answer is no."),
      ...item("2", "The command line or a file is wrong."),
      ...item("3", "The coordinator can't be reached, or does not let you in."),
      ...item("4", "There is no such thing."),
      ...item("130", "Ctrl-C."),
      ...paragraph("stoker job wait and stoker run end with the job's own exit code."),
    ),
    ...section(
      "FILES",
      ...item(
        "~/.config/stoker",
        "Profiles, see stoker-profile(1), and the keys and certificates of stoker login --certificate.",
      ),
    ),
    ...see(...nouns.map(({ name }) => [`stoker-${name}`, 1] as const), ["stoker-coordinator", 8], ["stoker-agent", 8]),
  ]);
}

function nounPage(noun: Noun, words: readonly string[]): ManualPage {
  return made(`stoker-${words.join("-")}`, 1, noun.description, [
    ...section("SYNOPSIS", `${bold(`stoker ${words.join(" ")}`)} verb [options]`),
    ...section("VERBS", ...verbsOf(noun, words)),
    ...section("CONNECTION"),
    ...paragraph("--coordinator, --token-file, --profile, --output and --query are those of stoker(1)."),
    ...see(["stoker", 1]),
  ]);
}

const verbsOf = (noun: Noun, words: readonly string[]): Roff => [
  ...noun.verbs.filter(({ hidden }) => !hidden).flatMap((verb) => verbPart(verb, [...words, verb.name])),
  ...(noun.nouns ?? []).flatMap((inner) => verbsOf(inner, [...words, inner.name])),
];

const verbPart = (verb: Verb, words: readonly string[]): Roff => [
  ...subsection(["stoker", ...words, ...(verb.argument ? [verb.argument] : [])].join(" ")),
  ...paragraph(`${verb.description}.${verb.details ? ` ${verb.details.replace(/\.$/, "")}.` : ""}`),
  ...verb.options.filter(({ hidden }) => !hidden).flatMap(optionPart),
  ...paragraph("Example:"),
  ...verbatim(verb.example),
];

const optionPart = ({ flags, description }: Pick<OptionSpec, "flags" | "description">): Roff =>
  item(flags, description);

export interface Daemon {
  name: "stoker-coordinator" | "stoker-agent";
  summary: string;
  /** Its built program. */
  program: string;
  files: ReadonlyArray<readonly [string, string]>;
}

/** The daemon's page, and that of its configuration file: both made of its own table of settings. */
export function daemonPages({ name, summary, program, files }: Daemon): ManualPage[] {
  const told = describe(program);
  const file = told.configPath.split("/").at(-1) ?? "";
  const filePage = `stoker-${file}`;
  const daemon = made(name, 8, summary, [
    ...section("SYNOPSIS", `${bold(name)} [options]`, ...told.commands.flatMap(({ usage }) => [".br", bold(usage)])),
    ...section("DESCRIPTION"),
    ...paragraph(`${told.description} As a rule its unit starts it: systemctl status ${name}.`),
    ...section(
      "OPTIONS",
      ...item(
        "--config <file>",
        `YAML file with any of these settings; ${told.configPath} when it is there. A flag wins over the environment, that over the file.`,
      ),
      ...told.settings.flatMap((each) => item(each.flags, sentence(each))),
    ),
    ...(told.commands.length === 0
      ? []
      : section(
          "COMMANDS",
          ...told.commands.flatMap(({ usage, description, options }) => [
            ...subsection(usage),
            ...paragraph(description),
            ...options.flatMap(optionPart),
          ]),
        )),
    ...section(
      "SIGNALS",
      ...item("SIGTERM, SIGINT", "It stops. Ranks go on."),
      ...item("SIGHUP", "The log level of the configuration is read again."),
    ),
    ...section(
      "FILES",
      ...[[told.configPath, `Its configuration: ${filePage}(5).`] as const, ...files].flatMap(([path, what]) =>
        item(path, what),
      ),
    ),
    ...section("EXAMPLE", ...verbatim(told.example)),
    ...see([filePage, 5], ["stoker", 1]),
  ]);
  const configuration = made(filePage, 5, `configuration of ${name}`, [
    ...section("DESCRIPTION"),
    ...paragraph(
      `${told.configPath} is YAML: a line for each setting that is not to be its default. What is not known is refused.`,
    ),
    ...section("SETTINGS", ...told.settings.flatMap((each) => item(`${each.key}:`, sentence(each)))),
    ...see([name, 8]),
  ]);
  return [daemon, configuration];
}

const sentence = ({ description, variable, default: value }: ProgramDescription["settings"][number]) =>
  `${description} (${value === "" ? "" : `default: ${value}; `}environment: ${variable})`;

function describe(program: string): ProgramDescription {
  const text = execFileSync(process.execPath, [program, "--describe"], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "" },
  });
  return JSON.parse(text) as ProgramDescription;
}
