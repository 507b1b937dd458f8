import { limitedOutput, ProgramFailed } from "../limited-output.js";
import { type Device, devicesOf } from "./devices.js";
import { parseSmi, type SmiDocument, SmiFormatError } from "./document.js";
import { explainFailure, type SmiFailure } from "./failure.js";
import { parseList } from "./list.js";
import { parseTopology, type Topology } from "./topology.js";

/** Slow ones take seconds: eight GPUs without persistence mode. */
const limitMs = 30_000;

export interface Machine {
  devices: Device[];
  /** So many GPUs the driver has: a GPU with MIG devices is one. */
  listed: number;
  driverVersion?: string;
  cudaVersion?: string;
}

export type Asked =
  | { state: "answered"; machine: Machine }
  /** It answers, but not in XML: so old, or not NVIDIA's own. */
  | { state: "no-xml"; why: string }
  | { state: "failed"; failure: SmiFailure };

/** Everything that the machine's GPUs can be asked once. Never rejects. */
export async function askMachine(program: string): Promise<Asked> {
  try {
    return { state: "answered", machine: await machineIn(program, parseSmi(await run(program, ["-q", "-x"]))) };
  } catch (error) {
    const failure = failureOf(error);
    const isOther = failure.kind === "bad-arguments" || failure.kind === "unreadable";
    return isOther ? { state: "no-xml", why: failure.sentence } : { state: "failed", failure };
  }
}

/** Rejects when it has MIG devices and they can't be listed. */
export async function machineIn(program: string, document: SmiDocument): Promise<Machine> {
  const mig = document.gpus.some((gpu) => gpu.mig.enabled === true);
  const list = mig ? parseList(await run(program, ["-L"])) : [];
  const { driverVersion, cudaVersion } = document;
  return {
    devices: devicesOf(document, list),
    listed: document.gpus.length,
    ...(driverVersion === undefined ? {} : { driverVersion }),
    ...(cudaVersion === undefined ? {} : { cudaVersion }),
  };
}

/** Slow with many GPUs, and worth nothing with one. Undefined when it does not say. */
export async function askTopology(program: string): Promise<Topology | undefined> {
  try {
    const topology = parseTopology(await run(program, ["topo", "-m"]));
    return topology.size > 0 ? topology : undefined;
  } catch (error) {
    if (error instanceof ProgramFailed) return undefined;
    throw error;
  }
}

/** infoROM is corrupted: a warning after an answer that is complete. */
const warned = 14;

async function run(program: string, words: string[]): Promise<string> {
  try {
    return await limitedOutput(program, words, limitMs);
  } catch (error) {
    if (error instanceof ProgramFailed && error.run.exitCode === warned) return error.run.output;
    throw error;
  }
}

export function failureOf(error: unknown): SmiFailure {
  if (error instanceof ProgramFailed) return explainFailure({ ...error.run, missing: false });
  if (error instanceof SmiFormatError) {
    // Some drivers say that they fail, and end well.
    const said = explainFailure({ exitCode: undefined, output: error.words, timedOut: false, missing: false });
    const sentence = `the answer of nvidia-smi can't be read: ${error.message}`;
    return said.kind === "failed" ? { kind: "unreadable", sentence } : said;
  }
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return missing
    ? explainFailure({ exitCode: undefined, output: "", timedOut: false, missing })
    : { kind: "failed", sentence: error instanceof Error ? error.message : String(error) };
}
