import { Fault } from "../../../shared/fault.js";
import type { Draft } from "../draft.js";
import type { ApiEvent } from "../events.js";
import { faultsOf, isOutOfService } from "../gpu-faults.js";
import { findNode, idOfNode } from "../names.js";
import type { Node } from "../state.js";
import { nothingUsed } from "../usage.js";
import { healthOf } from "./failures.js";
import { freePeers, hostsOfTest } from "./peers.js";
import { activeTest, type NodeHealth, type NodeTest } from "./record.js";

/** A quick one is over in half a minute unless something hangs, dcgmi's second level takes some minutes. */
const limitsMs = { quick: 180_000, full: 15 * 60_000 };
/** Besides the one that is going on. */
const keptMax = 20;
/** A test whose result never came is not tried more often for a GPU that wants to come back. */
const returnEveryMs = 10 * 60_000;

/** An operator wants it: at once for GPUs that are free, else when they are. */
export function testNode(draft: Draft, event: Extract<ApiEvent, { kind: "node-test" }>): string {
  const node = findNode(draft.world, event.id);
  mustBeTestable(draft, node);
  const uuids = event.gpus.length === 0 ? node.inventory.gpus.map(({ uuid }) => uuid) : gpusNamed(node, event.gpus);
  const peers = event.network ? freePeers(draft.world, node) : [];
  if (event.network && peers.length === 0) {
    throw new Fault(
      "failed-precondition",
      `no other node of the cluster of ${idOfNode(node)} is free to measure the network with: wait for one, or test without the network`,
    );
  }
  begin(draft, node, { purpose: "operator", uuids, quick: event.quick, peers });
  return node.uuid;
}

/** An operator wants a GPU back that was out of service. */
export function returnGpu(draft: Draft, event: Extract<ApiEvent, { kind: "gpu-return" }>): string {
  const node = findNode(draft.world, event.id);
  const [uuid = ""] = gpusNamed(node, [event.gpu]);
  const health = healthOf(draft, node.uuid);
  const told = faultsOf(draft.world.liveness.get(node.uuid)).find(
    (fault) => fault.uuid === uuid && isOutOfService(fault),
  );
  const active = activeTest(health);
  if (event.force) {
    const overlooked = health.overlooked.filter((each) => each.uuid !== uuid);
    if (told) overlooked.push({ uuid, rule: told.rule });
    const forced = { ...health, overlooked, out: health.out.filter((out) => out.uuid !== uuid) };
    draft.put(
      "node-health",
      active?.uuids.includes(uuid) ? givenUp(forced, active, draft.now, "it was returned by force") : forced,
    );
    changed(draft, node);
    return node.uuid;
  }
  if (told && told.rule !== "test") {
    throw new Fault(
      "failed-precondition",
      `${told.message}. That still holds: mend it first, or return the GPU by --force whatever its agent says`,
    );
  }
  if (!told && !health.out.some((out) => out.uuid === uuid)) return node.uuid;
  if (active?.uuids.includes(uuid)) return node.uuid;
  mustBeTestable(draft, node);
  begin(draft, node, { purpose: "return", uuids: [uuid], quick: false, peers: [] });
  return node.uuid;
}

function mustBeTestable(draft: Draft, node: Node): void {
  const liveness = draft.world.liveness.get(node.uuid);
  if (!liveness || liveness.session === "") {
    throw new Fault("failed-precondition", `${idOfNode(node)} is not connected: see \`stoker node show ${node.name}\``);
  }
  if (!liveness.tests) {
    throw new Fault(
      "failed-precondition",
      `the agent of ${idOfNode(node)} (version ${node.agentVersion}) has not said yet that it can test itself: try again in a few seconds; one of an earlier release has to be upgraded`,
    );
  }
  const active = activeTest(draft.world.nodeHealth.get(node.uuid));
  if (active) {
    throw new Fault(
      "failed-precondition",
      `${idOfNode(node)} is being tested: \`stoker node show ${node.name}\` has the result when it is over`,
    );
  }
}

function gpusNamed(node: Node, words: readonly string[]): string[] {
  return words.map((word) => {
    const gpu = node.inventory.gpus.find(({ uuid, index }) => uuid === word || String(index) === word);
    if (gpu) return gpu.uuid;
    const known = node.inventory.gpus.map(({ index, uuid }) => `${index} (${uuid})`).join(", ");
    throw new Fault("not-found", `${idOfNode(node)} has no GPU ${word}; it has ${known === "" ? "none" : known}`);
  });
}

function begin(draft: Draft, node: Node, test: Pick<NodeTest, "purpose" | "uuids" | "quick" | "peers">): void {
  const health = healthOf(draft, node.uuid);
  const number = health.testCount + 1;
  const asked: NodeTest = {
    ...test,
    ...{ id: `${node.uuid}.${number}`, state: "waiting", askedAt: draft.now, summary: "", checks: [] },
  };
  const out = health.out.map((each) =>
    test.purpose === "return" && test.uuids.includes(each.uuid) ? { ...each, testedAt: draft.now } : each,
  );
  draft.put("node-health", { ...health, out, testCount: number, tests: [...health.tests.slice(-keptMax), asked] });
  changed(draft, node);
}

/** At each heartbeat: what was out of service comes back by way of a test, and a test begins when its GPUs are free. */
export function advanceTests(draft: Draft, node: Node, complete: boolean): void {
  if (!draft.world.nodeHealth.has(node.uuid)) return;
  if (complete) takeBack(draft, node);
  const health = healthOf(draft, node.uuid);
  const test = activeTest(health);
  const liveness = draft.world.liveness.get(node.uuid);
  if (!test || !liveness) return;
  const startedAt = test.startedAt ?? draft.now;
  if (draft.now - startedAt > limitsMs[test.quick ? "quick" : "full"]) {
    draft.put("node-health", givenUp(health, test, draft.now, "no result came in time"));
    changed(draft, node);
    return;
  }
  if (!liveness.tests || liveness.orderedTest === test.id) return;
  if (test.state === "waiting" && !isFree(draft, node, test)) return;
  if (test.state === "waiting") {
    draft.put("node-health", withTest(health, { ...test, state: "running", startedAt: draft.now }));
    changed(draft, node);
  }
  const { id, uuids, quick, peers } = test;
  const hosts = hostsOfTest(draft.world, node, peers);
  draft.order({ kind: "test-node", node: node.name, test: id, uuids, quick, peers, hosts });
  draft.note({ kind: "liveness", node: node.uuid, liveness: { ...liveness, orderedTest: id }, roomChanged: false });
}

function isFree(draft: Draft, node: Node, { uuids }: NodeTest): boolean {
  const { gpuUuids } = draft.world.index.usage.get(node.uuid) ?? nothingUsed;
  return uuids.every((uuid) => !gpuUuids.has(uuid));
}

/** GPUs whose cause is gone, in one test; where nobody can test, they are back at once. */
function takeBack(draft: Draft, node: Node): void {
  const health = healthOf(draft, node.uuid);
  const liveness = draft.world.liveness.get(node.uuid);
  const serious = faultsOf(liveness).filter(isOutOfService);
  const cleared = health.out.filter(({ uuid }) => !serious.some((fault) => fault.uuid === uuid));
  if (cleared.length === 0 || activeTest(health)) return;
  if (!liveness?.tests) {
    draft.put("node-health", { ...health, out: health.out.filter((out) => !cleared.includes(out)) });
    changed(draft, node);
    return;
  }
  const due = cleared.filter(({ testedAt }) => testedAt === undefined || draft.now - testedAt >= returnEveryMs);
  const listed = due.filter(({ uuid }) => node.inventory.gpus.some((gpu) => gpu.uuid === uuid));
  if (listed.length === 0) return;
  begin(draft, node, { purpose: "return", uuids: listed.map(({ uuid }) => uuid), quick: false, peers: [] });
}

export function withTest(health: NodeHealth, test: NodeTest): NodeHealth {
  return { ...health, tests: health.tests.map((each) => (each.id === test.id ? test : each)) };
}

function givenUp(health: NodeHealth, test: NodeTest, now: number, summary: string): NodeHealth {
  return withTest(health, { ...test, state: "given up", endedAt: now, summary });
}

/** Room may have come or gone. */
export function changed(draft: Draft, node: Node): void {
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
}
