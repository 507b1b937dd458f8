import { Command, CommanderError, Option } from "commander";
import { Fault } from "../shared/fault.js";
import { version } from "../shared/version.js";
import { Call } from "./call.js";
import { nouns, topVerbs } from "./commands/index.js";
import { exitCode, Failure, failureOf, usage } from "./failure.js";
import { connectionOptions, outputFormats } from "./options.js";
import type { Noun, OptionSpec, Verb } from "./verb.js";
import type { World } from "./world.js";

/** Runs one command line (without the program's own name) and gives its exit code. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const written: Array<Promise<void>> = [];
  let code: number = exitCode.ok;
  const program = new Command("stoker")
    .description("Runs jobs on the machines that a Stoker coordinator keeps.")
    .version(version)
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .configureOutput({
      writeOut: (text) => written.push(world.out(text)),
      writeErr: (text) => written.push(world.err(text)),
      outputError: (text, write) => write(text.replace(/^error: /, "stoker: ")),
    })
    .addHelpText("after", `\nExample:\n  ${example}\n`);
  const finished = (result: number) => {
    code = result;
  };
  for (const noun of nouns) addNoun(program, noun, world, finished);
  for (const verb of topVerbs) addVerb(program, verb, world, finished);
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    code = await told(error, world);
  }
  await Promise.all(written);
  return code;
}

const example =
  "stoker job create -w lab -e first -n train -c gpus -f job.json && stoker job logs -w lab -e first -n train -f";

function addNoun(parent: Command, noun: Noun, world: World, finished: (code: number) => void): void {
  const group = parent.command(noun.name).description(noun.description);
  group.addHelpText("after", `\nExample:\n  ${noun.verbs[0]?.example}\n`);
  for (const verb of noun.verbs) addVerb(group, verb, world, finished);
  for (const inner of noun.nouns ?? []) addNoun(group, inner, world, finished);
}

function addVerb(parent: Command, verb: Verb, world: World, finished: (code: number) => void): void {
  const command = parent.command(verb.name, { hidden: verb.hidden === true }).summary(verb.description);
  command.description(verb.details ? `${verb.description}. ${verb.details}` : verb.description);
  if (verb.argument) command.arguments(verb.argument);
  else command.allowExcessArguments(false);
  if (verb.passThrough) command.passThroughOptions();
  for (const option of [...verb.options, ...(verb.local ? [] : connectionOptions)]) command.addOption(optionOf(option));
  command.addHelpText("after", `\nExample:\n  ${verb.example}\n`);
  command.action(async () => {
    const given: Record<string, unknown> = command.opts();
    const query = given.query;
    const result =
      typeof query === "string"
        ? await answered(verb, query, given, command.args, world)
        : await perform(verb, new Call(world, given, command.args));
    finished(result ?? exitCode.ok);
  });
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices) option.choices([...spec.choices]);
  if (spec.repeatable) option.argParser((value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
  if (spec.hidden) option.hideHelp();
  return option;
}

async function perform(verb: Verb, call: Call): Promise<number | undefined> {
  try {
    const most = verb.argument?.includes("...") ? Number.POSITIVE_INFINITY : (verb.argument?.split(" ").length ?? 0);
    if (call.words.length > most) throw usage(`unexpected "${call.words[most]}"`);
    return await verb.run(call);
  } catch (error) {
    const address = (await call.opened())?.address;
    throw error instanceof Fault && address !== undefined ? failureOf(error, address) : error;
  } finally {
    (await call.opened())?.close();
  }
}

/** The command runs as if JSON were asked for; what it says is picked from and shown in the format that was. */
async function answered(
  verb: Verb,
  query: string,
  given: Record<string, unknown>,
  words: readonly string[],
  world: World,
): Promise<number | undefined> {
  const said: Uint8Array[] = [];
  const hear = async (bytes: string | Uint8Array) => void said.push(Buffer.from(bytes));
  const listening = new Proxy(world, {
    get: (target, name) => {
      const own: unknown = name === "out" ? hear : Reflect.get(target, name, target);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
  const asked = (await new Call(world, given, words).settings()).output;
  const format = outputFormats.find((each) => each === asked) ?? "table";
  const code = await perform(verb, new Call(listening, { ...given, output: "json" }, words));
  const { queried } = await import("./query.js");
  await world.out(await queried(Buffer.concat(said).toString(), query, format));
  return code;
}

/** One line on stderr, and the exit code that goes with it. */
async function told(error: unknown, world: World): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.ok;
    // commander has said what is wrong.
    return exitCode.usage;
  }
  if (error instanceof Failure) {
    await world.err(`stoker: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof Fault) {
    await world.err(`stoker: ${error.message}\n`);
    return exitCode.failed;
  }
  if (isSystemError(error)) {
    // A full disk, a folder that may not be written: not ours to mend, and its message names the path.
    await world.err(`stoker: ${error.message}\n`);
    return exitCode.failed;
  }
  throw error;
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "syscall" in error && typeof error.syscall === "string";
