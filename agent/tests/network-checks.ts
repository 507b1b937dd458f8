import { judgePair, type Pair, shown } from "../core/tests/pairs.js";
import type { Check } from "./check.js";
import { inWords } from "./mpi/launchers.js";
import { type ByMpi, checkOf } from "./mpi/mpi-network.js";

const mebibyte = 2 ** 20;

/** Each pair beside the others that the same MPI has measured. `oneMachine`: its nodes share processors, and differ by nothing else. */
export function mpiChecks(tested: string, { launcher, pairs }: ByMpi, oneMachine: boolean): Check[] {
  const compared = pairs.map(({ from, to, latencyUs, MBps }): Pair => {
    const [, bandwidthMBps] = largest(MBps);
    return { from, to, latencyUs, bandwidthMBps };
  });
  return pairs.map((pair, at) => {
    const { latencyUs, latencyP99Us, MBps } = pair;
    const [size, bandwidth] = largest(MBps);
    const own = compared[at];
    const judgement = own ? judgePair(own, compared, tested) : undefined;
    const measured = `by ${inWords(launcher)}: ${shown(latencyUs)} us one way, ${shown(bandwidth)} MB/s in messages of ${size}`;
    const numbers = { latencyUs, latencyP99Us, ...bandwidths(MBps) };
    const message = [measured, judgement?.message ?? ""].filter(Boolean).join("; ");
    const outcome = judgement?.outcome ?? "passed";
    return checkOf(tested, pair, oneMachine && outcome === "failed" ? "warned" : outcome, message, numbers);
  });
}

/** Those over TCP, each from a peer to the node that is tested. */
export function tcpChecks(tested: string, checks: readonly Check[]): Check[] {
  const pairs = checks.flatMap(({ peer, outcome, numbers }): Pair[] => {
    const { roundTripUs, toMiBps, fromMiBps } = numbers;
    if (outcome !== "passed" || peer === undefined || roundTripUs === undefined) return [];
    const slower = Math.min(toMiBps ?? 0, fromMiBps ?? 0);
    return [{ from: peer, to: tested, latencyUs: roundTripUs / 2, bandwidthMBps: (slower * mebibyte) / 1e6 }];
  });
  return checks.map((check) => {
    const pair = pairs.find(({ from }) => from === check.peer);
    const judgement = pair && judgePair(pair, pairs, tested);
    const message = [`by TCP, ${check.message}`, judgement?.message ?? ""].filter(Boolean).join("; ");
    return { ...check, message, outcome: judgement?.outcome ?? check.outcome };
  });
}

const largest = (MBps: Record<string, number>): [string, number] => Object.entries(MBps).at(-1) ?? ["", 0];

const bandwidths = (MBps: Record<string, number>) =>
  Object.fromEntries(Object.entries(MBps).map(([size, value]) => [`bandwidth${size}MBps`, value]));
