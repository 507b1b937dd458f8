import type { TestLease } from "../../health-ports.js";
import type { Check } from "../check.js";
import { findLaunchers, inWords, type Launcher, launchersIn, pingPongText } from "./launchers.js";
import { type MeasuredPair, pingPongSaid } from "./output.js";

/** What a peer has answered: the flavours of MPI that it has, or why it takes no part. */
export interface PeerAnswer {
  peer: string;
  flavours: readonly string[];
  message: string;
}

export interface MpiNetwork {
  program: string;
  tested: string;
  /** As launchers call them; the node that is tested, too. */
  hosts: ReadonlyMap<string, string>;
  oneMachine: boolean;
  quick: boolean;
  lease: TestLease;
  answers: readonly PeerAnswer[];
}

export interface ByMpi {
  launcher: Launcher;
  pairs: MeasuredPair[];
}

export interface MpiResult {
  found: ByMpi[];
  /** A pair that did not answer, and an MPI by which nothing could be measured. */
  checks: Check[];
  /** Peers to which nothing was measured, and why. */
  left: Map<string, string>;
}

const secondsPerPair = { quick: 0.5, full: 1 };
const findLimitMs = 50_000;

export async function launchersOf(lease: TestLease): Promise<Launcher[]> {
  const { stdout } = await lease.run(findLaunchers, findLimitMs);
  return launchersIn(stdout);
}

/** One rank on each node, for each flavour that there is; a quick test is content with the first that tells of all who have it. */
export async function pingPongs(of: MpiNetwork): Promise<MpiResult> {
  const { tested, lease, answers, quick } = of;
  const left = new Map(answers.map(({ peer, message }) => [peer, message === "" ? `${peer} has no MPI` : message]));
  const result: MpiResult = { found: [], checks: [], left };
  const launchers = await launchersOf(lease);
  if (launchers.length === 0) for (const { peer } of answers) left.set(peer, `${tested} has no MPI`);
  for (const launcher of launchers) {
    const able = answers.filter(({ flavours }) => flavours.includes(launcher.flavour));
    const peers = able.map(({ peer }) => peer).sort();
    if (quick && result.found.length > 0 && peers.every((peer) => !left.has(peer))) continue;
    if (peers.length === 0) continue;
    await pingPong(of, launcher, peers, result);
  }
  return result;
}

async function pingPong(
  of: MpiNetwork,
  launcher: Launcher,
  peers: readonly string[],
  result: MpiResult,
): Promise<void> {
  const { program, tested, hosts, oneMachine, lease } = of;
  const seconds = secondsPerPair[of.quick ? "quick" : "full"];
  const pairs = (peers.length * (peers.length + 1)) / 2;
  // The largest messages are sent a few times whatever the time.
  const limitMs = (of.quick ? 30_000 : 60_000) + pairs * (seconds + 2) * 1_000;
  const names = [tested, ...peers];
  const asked = { program, hosts: names.map((name) => hosts.get(name) ?? name), oneMachine, secondsPerPair: seconds };
  const { code, stdout, stderr } = await lease.run(pingPongText(launcher, asked), limitMs);
  const { pairs: measured, unfinished, refusal } = pingPongSaid(stdout);
  if (measured.length > 0) result.found.push({ launcher, pairs: measured });
  for (const { from, to } of measured) for (const name of [from, to]) result.left.delete(name);
  const words = refusal ?? lastWords(stderr);
  const why = code === undefined ? `it did not end within ${limitMs / 1000} s` : `exit code ${code}`;
  const problem = `the ping-pong by ${inWords(launcher)} failed (${why})${words === "" ? "" : `: ${words}`}`;
  if (unfinished) {
    const { from, to } = unfinished;
    const isOwn = from === tested || to === tested;
    const message = `${from} and ${to} began to exchange messages by ${inWords(launcher)}, and did not end: ${problem}`;
    result.checks.push(checkOf(tested, { from, to }, isOwn ? "failed" : "warned", message, {}));
    for (const name of [from, to]) result.left.delete(name);
  }
  if (measured.length === 0 && !unfinished) {
    result.checks.push({ name: "mpi", gpuUuid: "", outcome: "skipped", message: problem, numbers: {} });
  }
  for (const peer of peers) if (result.left.has(peer)) result.left.set(peer, problem);
}

/** The node at the other end is its peer; where the tested one is at neither, both are named. */
export function checkOf(
  tested: string,
  { from, to }: { from: string; to: string },
  outcome: Check["outcome"],
  message: string,
  numbers: Record<string, number>,
): Check {
  const ends = from === tested ? { peer: to } : to === tested ? { peer: from } : { peer: to, from };
  return { name: "network", gpuUuid: "", outcome, message, numbers, ...ends };
}

/** Of a launcher, without the frames that it draws. */
const lastWords = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[-=*|\s]+$/.test(line))
    .slice(0, 8)
    .join(" ")
    .slice(0, 350);
