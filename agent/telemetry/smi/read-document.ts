import { limitedOutput, ProgramFailed } from "../limited-output.js";
import { failureOf } from "./ask.js";
import { parseSmi, type SmiDocument } from "./document.js";

export interface Reading {
  document: SmiDocument;
  /** Address of a GPU that can't be reached: because of it the others had to be asked one by one. */
  unreachable?: string;
}

/** Everything about all GPUs. Old drivers say nothing of any when one is lost: then `uuids` are asked for singly. */
export async function readDocument(program: string, uuids: readonly string[], limitMs: number): Promise<Reading> {
  const until = performance.now() + limitMs;
  try {
    return { document: await read(program, [], limitMs) };
  } catch (error) {
    const { kind, busId } = failureOf(error);
    if (kind !== "gpu-lost") throw error;
    let document: SmiDocument | undefined;
    for (const uuid of uuids) {
      const leftMs = until - performance.now();
      const one = leftMs > 0 ? await read(program, ["-i", uuid], leftMs).catch(unlessLost) : undefined;
      if (one) document = document ? { ...document, gpus: [...document.gpus, ...one.gpus] } : one;
    }
    if (!document) throw error;
    return { document, ...(busId === undefined ? {} : { unreachable: busId }) };
  }
}

async function read(program: string, words: string[], limitMs: number): Promise<SmiDocument> {
  return parseSmi(await limitedOutput(program, ["-q", "-x", ...words], limitMs).catch(complete));
}

/** infoROM is corrupted, or one GPU is lost: what was printed may be a whole answer nevertheless. */
function complete(error: unknown): string {
  if (error instanceof ProgramFailed && error.run.output.includes("</nvidia_smi_log>")) return error.run.output;
  throw error;
}

function unlessLost(error: unknown): undefined {
  const { kind } = failureOf(error);
  if (kind !== "gpu-lost" && kind !== "no-devices") throw error;
}
