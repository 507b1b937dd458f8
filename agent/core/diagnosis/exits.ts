import type { Evidence, Rule } from "./diagnosis.js";

type End = readonly [name: string, code: number, sentence: string];

/** Signals by their numbers on Linux, whether the process died of them or its shell says 128 and the number. */
const signals: readonly End[] = [
  ["sigint", 2, "it was interrupted (SIGINT)"],
  ["sigquit", 3, "it was told to quit (SIGQUIT)"],
  ["sigill", 4, "it met an instruction that this processor does not have (SIGILL): it was built for another one"],
  ["sigtrap", 5, "it stopped at a trap (SIGTRAP)"],
  ["sigabrt", 6, "it gave up by itself (SIGABRT): its last words should say why"],
  [
    "sigbus",
    7,
    "it used memory that is not there (SIGBUS): a file that it had mapped was cut short, or shared memory is full",
  ],
  ["sigfpe", 8, "it divided a whole number by zero (SIGFPE)"],
  [
    "sigkill",
    9,
    "something killed it (SIGKILL), and neither the kernel nor its agent says that it was them: somebody on the machine, or a limit of its own",
  ],
  ["sigsegv", 11, "it used memory that is not its own (SIGSEGV)"],
  ["sigpipe", 13, "it wrote to somebody who had ended (SIGPIPE)"],
  ["sigalrm", 14, "its own alarm ended it (SIGALRM)"],
  ["sigterm", 15, "something asked it to end (SIGTERM), and its agent did not"],
  ["sigxcpu", 24, "it used more processor time than its limit (SIGXCPU)"],
  ["sigxfsz", 25, "it wrote a larger file than its limit (SIGXFSZ)"],
];

const codes: readonly End[] = [
  ["usage", 2, "it ended with code 2, which many programs use for a command line that they don't understand"],
  ["not-executable", 126, "the command is there but can't be executed: look at its permissions and its first line"],
  ["command-not-found", 127, "the command was not found: look at its name and at PATH"],
  ["timeout-command", 124, "it was ended by timeout(1), which the command itself calls"],
];

const signalRule = ([name, number, sentence]: End): Rule => ({
  name,
  class: "user",
  proven: false,
  sentence: ({ signal, exitCode }: Evidence) =>
    signal === number || (signal === 0 && exitCode === 128 + number) ? sentence : undefined,
});

const codeRule = ([name, code, sentence]: End): Rule => ({
  name,
  class: "user",
  proven: false,
  sentence: ({ signal, exitCode }: Evidence) => (signal === 0 && exitCode === code ? sentence : undefined),
});

/** Where nothing else is known: what its end itself says. */
export const exitRules: readonly Rule[] = [...signals.map(signalRule), ...codes.map(codeRule)];
