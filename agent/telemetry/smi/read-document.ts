import { limitedOutput, ProgramFailed } from "../limited-output.js";
import { failureOf } from "./ask.js";
import { parseSmi, type SmiDocument } from "./document.js";
import type { SmiFailure } from "./failure.js";

export interface Reading {
  /** Undefined: none of them can be reached. */
  document: SmiDocument | undefined;
  /** Address of a GPU that can't be reached: because of it the others had to be asked one by one. */
  unreachable?: string;
  /** Those that could not be reached then. */
  lost: string[];
}

/**
 * Everything about all GPUs. Old drivers say nothing of any when one is lost: then `uuids` are asked for singly, which may take a while; `singly`
 * hears of it before.
 */
export async function readDocument(
  program: string,
  uuids: readonly string[],
  limitMs: number,
  singly: (failure: SmiFailure) => void = () => undefined,
): Promise<Reading> {
  const until = performance.now() + limitMs;
  try {
    return { document: await read(program, [], limitMs), lost: [] };
  } catch (error) {
    const failure = failureOf(error);
    if (failure.kind !== "gpu-lost") throw error;
    singly(failure);
    const lost: string[] = [];
    let document: SmiDocument | undefined;
    for (const uuid of uuids) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) break;
      const one = await read(program, ["-i", uuid], leftMs).catch(unlessLost);
      if (one === "lost") lost.push(uuid);
      else if (one) document = document ? { ...document, gpus: [...document.gpus, ...one.gpus] } : one;
    }
    if (!document && lost.length === 0) throw error;
    return { document, lost, ...(failure.busId === undefined ? {} : { unreachable: failure.busId }) };
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

function unlessLost(error: unknown): "lost" | undefined {
  const { kind } = failureOf(error);
  if (kind === "gpu-lost") return "lost";
  if (kind !== "no-devices") throw error;
  return undefined;
}
