import { isConnected } from "../cluster.js";
import type { Draft } from "../draft.js";
import { faultsOf, type GpuFault } from "../gpu-faults.js";
import type { Liveness } from "../liveness.js";
import { idOfNode } from "../names.js";
import { conditionOf } from "../preparation/condition.js";
import type { Node } from "../state.js";
import { announce } from "./announce.js";
import type { AnnouncementData } from "./announcement.js";
import type { AnnouncementKind } from "./kinds.js";

/** What came of a node's row in one step. */
export function announceNode(draft: Draft, before: Node | undefined, node: Node | undefined): void {
  const one = node ?? before;
  if (!one) return;
  const tell = (kind: AnnouncementKind, since: number, words: string, data: AnnouncementData = {}) =>
    tellOfNode(draft, one, kind, String(since), words, data);
  if (!node) {
    tell("node-removed", draft.now, "was deleted");
    return;
  }
  if (!before) tell("node-joined", node.enrolledAt, `was enrolled: ${node.inventory.machineClass}`);
  if (node.lost && !before?.lost) tell("node-lost", node.lost.since, "is lost: its agent has fallen silent");
  if (!node.lost && before?.lost) tell("node-returned", before.lost.since, "is back");
  const { drained } = node;
  const why = drained && drained.reason !== "" ? `: ${drained.reason}` : "";
  if (drained?.reclaimed && !before?.drained?.reclaimed) {
    tell("node-reclaimed", draft.now, `was reclaimed by its owner${why}`, { reason: drained.reason });
  } else if (drained && !before?.drained) {
    tell("node-drained", drained.since, `is drained${why}`, { reason: drained.reason });
  }
  if (!drained && before?.drained) tell("node-resumed", draft.now, "takes work again");
}

/** What came of what is heard of a node. After a start of ours its first words are news again, under the same ids where the node dates them. */
export function announceHeard(draft: Draft, node: Node, before: Liveness | undefined, after: Liveness): void {
  if (before?.gpuFaults || after.gpuFaults) announceGpus(draft, node, faultsOf(before), faultsOf(after));
  const [was, is] = [before?.condition, after.condition];
  if (!is || (was?.state === is.state && was.since === is.since)) return;
  if (is.state === "unusable" && isConnected(draft.world, node)) {
    const { reason } = conditionOf(draft.world, node);
    tellOfNode(draft, node, "node-unusable", String(is.since), `is unusable: ${reason}`, { reason });
  }
  // An agent that is only started anew is no news, neither when it goes nor when it comes.
  const told =
    was?.state === "unusable" && draft.world.index.announced.has(idOf("node-unusable", node, String(was.since)));
  if (told && is.state !== "unusable" && is.state !== "lost" && is.state !== "preparing") {
    tellOfNode(draft, node, "node-usable", String(is.since), "can take work again", {});
  }
}

function announceGpus(draft: Draft, node: Node, before: readonly GpuFault[], after: readonly GpuFault[]): void {
  const keyOf = ({ uuid, state, since }: GpuFault) => `${uuid}.${state}.${since}`;
  const known = new Set(before.map(keyOf));
  for (const fault of after) {
    if (known.has(keyOf(fault))) continue;
    const { uuid: gpu, rule, message: reason, state } = fault;
    const index = node.inventory.gpus.find(({ uuid }) => uuid === gpu)?.index;
    const name = index === undefined ? `GPU ${gpu}` : `GPU ${index} (${gpu})`;
    const kind = state === "suspect" ? "gpu-suspect" : "gpu-failed";
    const words = state === "suspect" ? "is suspect" : state === "failed" ? "has failed" : "gets nothing new";
    tellOfNode(draft, node, kind, keyOf(fault), `has a fault: ${name} ${words}: ${reason}`, {
      gpu,
      rule,
      reason,
      state,
    });
  }
  for (const { uuid: gpu, rule, since } of before) {
    if (after.some(({ uuid }) => uuid === gpu)) continue;
    tellOfNode(draft, node, "gpu-returned", `${gpu}.${since}`, `has GPU ${gpu} back: it is healthy again`, {
      gpu,
      rule,
    });
  }
}

const idOf = (kind: AnnouncementKind, node: Node, key: string) => `${kind}.${node.uuid}.${key}`;

function tellOfNode(
  draft: Draft,
  node: Node,
  kind: AnnouncementKind,
  key: string,
  words: string,
  data: AnnouncementData,
): void {
  const cluster = node.cluster && draft.world.clusters.get(node.cluster);
  announce(draft, {
    id: idOf(kind, node, key),
    kind,
    at: draft.now,
    subject: idOfNode(node),
    message: `node ${node.name} ${words}`,
    scope: cluster ? { workspace: cluster.workspace } : {},
    data: { node: node.name, machineClass: node.inventory.machineClass, cluster: cluster ? cluster.name : "", ...data },
  });
}
