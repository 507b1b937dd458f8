import type { SmiGpu } from "../../core/health/smi-gpu.js";
import { type Element, parseXml } from "./element.js";
import { readGpu } from "./read-gpu.js";
import { numberOf, wordOf } from "./value.js";

/** What one run of `nvidia-smi -q -x` said. */
export interface SmiDocument {
  /** `v13`; for the log alone: it determines nothing, and some documents have none. */
  schema?: string;
  driverVersion?: string;
  cudaVersion?: string;
  /** Announced at the top: fewer elements than that is a GPU that went during the call. */
  attachedGpus?: number;
  gpus: SmiGpu[];
}

export class SmiFormatError extends Error {
  override name = "SmiFormatError";
}

const end = "</nvidia_smi_log>";

/**
 * Pure. Takes every version that there is, and those to come: what it does not know it passes over. Throws SmiFormatError when the text holds
 * no whole document; a warning before or after it (infoROM is corrupted) is no harm.
 */
export function parseSmi(text: string): SmiDocument {
  const from = text.indexOf("<nvidia_smi_log>");
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0)
    throw new SmiFormatError(`there is no whole nvidia_smi_log in ${text.length} characters of output`);
  const body = text.slice(from, to + end.length);
  const log = rootOf(body);
  // Hardly ever one has any, and to look at each by itself takes as long as the rest.
  const segments = body.search(errorBody) < 0 ? [] : body.split("<gpu ").slice(1);
  return {
    ...given("schema", /nvsmi_device_(v\d+)\.dtd/.exec(text.slice(0, from))?.[1]),
    ...given("driverVersion", wordOf(log.text("driver_version"))),
    ...given("cudaVersion", wordOf(log.text("cuda_version"))),
    ...given("attachedGpus", numberOf(log.text("attached_gpus"))),
    gpus: log.children("gpu").map((gpu, at) => readGpu(gpu, errorsIn(segments[at] ?? ""))),
  };
}

function rootOf(body: string): Element {
  try {
    return parseXml(body).child("nvidia_smi_log");
  } catch (cause) {
    throw new SmiFormatError("the output of nvidia-smi -q -x is not well formed", { cause });
  }
}

const errorBody = />\s*\[?(GPU is lost|GPU requires reset|Unknown Error|ERR!)\]?\s*</gi;

/** Counted in the text, whatever the elements are called: a lost GPU keeps old numbers in some of them. */
function errorsIn(segment: string): { bodies: number; lost: boolean; requiresReset: boolean } {
  const bodies = [...segment.matchAll(errorBody)].map(([, words = ""]) => words.toLowerCase());
  return {
    bodies: bodies.length,
    lost: bodies.includes("gpu is lost"),
    requiresReset: bodies.includes("gpu requires reset"),
  };
}

const given = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
