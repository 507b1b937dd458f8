import type { KernelMessage } from "../kernel/message.js";
import type { Instant } from "../time.js";
import { clockTime, type Diagnosis, type Evidence, type GpuOfLease, type TimedMessage } from "./diagnosis.js";
import { diagnose } from "./index.js";

/** A process that a launcher of another node has started here, by its daemon. */
export interface RemoteRank {
  readonly pid: number;
  readonly name: string;
  /** Of MPI; absent of daemons, and of what ranks start. */
  readonly rank?: number;
}

/** One that died here, and why. */
export interface Death extends RemoteRank {
  readonly diagnosis: Diagnosis;
}

const sigkill = 9;
const sigsegv = 11;
const sigill = 4;

/**
 * Nobody here is the parent of such processes, and their daemon tells its launcher alone that they died. What the kernel says of their
 * numbers, and of the lease's GPUs, is this node's part of the answer.
 */
export function remoteDeaths(
  ranks: readonly RemoteRank[],
  { kernel, gpus, lease }: { kernel: readonly TimedMessage[]; gpus: readonly GpuOfLease[]; lease: string },
): Death[] {
  if (ranks.length === 0) return [];
  const deaths: Death[] = [];
  for (const entry of kernel) {
    const { message, at } = entry;
    const of = pidOf(message);
    const rank = ranks.find(({ pid }) => pid === of);
    const gpuFault = message.kind === "xid" || message.kind === "gpu-fell-off";
    if (!gpuFault && !rank) continue;
    const diagnosis = message.kind === "crash" ? crashed(message, at) : diagnose(evidence(entry, gpus, lease));
    // What befell a GPU of the lease befell those who used it, whoever was named.
    const whose = rank ?? (diagnosis ? { pid: of ?? 0, name: "" } : undefined);
    if (diagnosis && whose) deaths.push({ ...whose, diagnosis });
  }
  return deaths;
}

function pidOf(message: KernelMessage): number | undefined {
  if (message.kind === "xid") return message.xid.pid;
  return "pid" in message ? message.pid : undefined;
}

/** As the death of one that ended by what the message says. */
function evidence({ message, at }: TimedMessage, gpus: readonly GpuOfLease[], lease: string): Evidence {
  const killed = message.kind === "out-of-memory";
  const end = killed ? { signal: sigkill, exitCode: 128 + sigkill } : { signal: 0, exitCode: 1 };
  return { ...end, at, stderr: "", stdout: "", kernel: [{ at, message }], gpus, lease, wasStopped: false };
}

function crashed({ text }: Extract<KernelMessage, { kind: "crash" }>, at: Instant): Diagnosis | undefined {
  const signal = /invalid opcode/.test(text) ? sigill : sigsegv;
  const base = {
    exitCode: 128 + signal,
    at,
    stderr: "",
    stdout: "",
    kernel: [],
    gpus: [],
    lease: "",
    wasStopped: false,
  };
  const found = diagnose({ ...base, signal });
  return found && { ...found, sentence: `${found.sentence}, ${clockTime(at)}; the kernel says: ${text.slice(0, 120)}` };
}
