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

/** What nvidia-smi wrote is no document, or not a whole one. */
export class SmiFormatError extends Error {
  override name = "SmiFormatError";
  constructor(
    message: string,
    /** How it begins, when it holds no document at all: it may be why. */
    readonly words: string,
  ) {
    super(message);
  }
}

const wordsMax = 2_000;

/**
 * Pure. Takes every version that there is, and those to come: what it does not know it passes over. Throws SmiFormatError when the text holds
 * no whole document; a warning before or after it (infoROM is corrupted) is no harm.
 */
export function parseSmi(text: string): SmiDocument {
  const from = text.search(/<nvidia_smi_log[\s>]/);
  // Hardly ever one has any, and then they are counted in what nobody reads, too: a lost GPU keeps old numbers in some elements.
  const troubled = from >= 0 && errorWords.some((words) => text.includes(words, from));
  const log = from < 0 ? undefined : parseXml(text, from, troubled);
  if (!log) {
    const what = from < 0 ? "no nvidia_smi_log" : "no whole nvidia_smi_log";
    throw new SmiFormatError(
      `there is ${what} in ${text.length} characters of output`,
      from < 0 ? text.slice(0, wordsMax) : "",
    );
  }
  return {
    ...given("schema", /nvsmi_device_(v\d+)\.dtd/.exec(text.slice(0, from))?.[1]),
    // The names on the right are to stay, those on the left to go.
    ...given("driverVersion", wordOf(log.text("driver_version")) ?? wordOf(log.text("kmd_version"))),
    ...given("cudaVersion", wordOf(log.text("cuda_version")) ?? wordOf(log.text("cuda_umd_version"))),
    ...given("attachedGpus", numberOf(log.text("attached_gpus"))),
    gpus: log.children("gpu").map((gpu) => readGpu(gpu, troubled ? errorsIn(gpu) : none)),
  };
}

const errorWords = ["GPU is lost", "GPU requires reset", "Unknown Error", "ERR!"];
const errorBody = /^\s*\[?(GPU is lost|GPU requires reset|Unknown Error|ERR!)\]?\s*$/i;
const none = { bodies: 0, lost: false, requiresReset: false };
/** What a process is called says nothing about its GPU: anybody may call theirs so. */
const saidByOthers: ReadonlySet<string> = new Set(["process_name"]);

function errorsIn(gpu: Element): typeof none {
  const bodies = gpu.texts(saidByOthers).flatMap((text) => errorBody.exec(text)?.[1]?.toLowerCase() ?? []);
  return {
    bodies: bodies.length,
    lost: bodies.includes("gpu is lost"),
    requiresReset: bodies.includes("gpu requires reset"),
  };
}

const given = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
