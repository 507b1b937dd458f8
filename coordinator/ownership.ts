import { jobId, nodeId, parseLeaseId } from "../shared/ids.js";
import { subjectToken } from "../shared/subjects.js";
import type { LiveTest } from "./agents/peer-tests.js";
import type { LiveGang } from "./agents/relay.js";
import { hostsOfTest } from "./core/health/peers.js";
import { activeTest } from "./core/health/record.js";
import type { State } from "./core/memory.js";
import { nodeNamed } from "./core/names.js";
import type { LogAddress } from "./logs/address.js";
import type { LogOwners } from "./logs/ingest.js";

/** The gang of a lease whose ranks may run, or the nodes of a test that is going on; undefined for any other. */
export function liveGang(state: State, leaseId: string): LiveGang | undefined {
  const parsed = parseLeaseId(leaseId);
  const tested = parsed && state.nodes.get(nodeId(parsed.job));
  if (tested) {
    const test = activeTest(state.nodeHealth.get(tested.uuid));
    if (test?.state !== "running" || test.id !== leaseId) return undefined;
    return { members: hostsOfTest(state, tested, test.peers), launcher: tested.name };
  }
  const now = parsed && state.jobs.get(parsed.job)?.state;
  if (!now || (now.kind !== "preparing" && now.kind !== "running") || now.lease.id !== leaseId) return undefined;
  return { members: now.lease.shares.map(({ nodeName, host }) => ({ node: nodeName, host })) };
}

/** The test that is going on at a node. */
export function liveTest(state: State, node: string): LiveTest | undefined {
  const row = nodeNamed(state, node);
  const test = row && activeTest(state.nodeHealth.get(row.uuid));
  if (!row || test?.state !== "running") return undefined;
  const hosts = hostsOfTest(state, row, test.peers);
  const oneMachine = hosts.every((each) => each.node === each.host);
  return { id: test.id, address: row.address, quick: test.quick, peers: test.peers, oneMachine };
}

/** Whose the log bytes are that come, and who is to be told that they are stored. */
export const logOwners = (
  state: () => State,
  stored: (node: string, address: LogAddress, offset: number) => void,
): LogOwners => ({
  judge: (address, node) => judgeLog(state(), address, node),
  stored: (address, node, offset) => {
    const name = logNode(state(), address, node);
    if (name !== undefined) stored(name, address, offset);
  },
});

/** Whether log bytes that came from `node` (as a subject has it) belong here. */
function judgeLog(state: State, address: LogAddress, node: string): "wanted" | "deleted" | "refused" {
  const job = jobId(address.jobUuid);
  if (!state.jobs.has(job)) return "deleted";
  const attempt = state.attempts.get(job)?.find(({ number }) => number === address.attempt);
  const known = attempt?.nodes.some(({ name }) => subjectToken(name) === node) && address.rank < attempt.rankCount;
  return known ? "wanted" : "refused";
}

/** The node's name: among those of the attempt or, when the job is gone, among all. */
function logNode(state: State, address: LogAddress, node: string): string | undefined {
  const attempt = state.attempts.get(jobId(address.jobUuid))?.find(({ number }) => number === address.attempt);
  for (const { name } of attempt?.nodes ?? state.nodes.values()) {
    if (subjectToken(name) === node) return name;
  }
  return undefined;
}
