import type { NodeId } from "../../../shared/ids.js";
import { secrets } from "../checks/secrets.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import { helloOfServer } from "../file-servers/exports.js";
import { narrowGpuFaults } from "../gpu-faults.js";
import { stop } from "../job.js";
import { orderOutstanding } from "../lease.js";
import { nodeNamed } from "../names.js";
import { hear, withoutLost } from "../node.js";
import { narrowOwnerTerms } from "../owner.js";
import { orderPreparation } from "../preparation/order.js";
import { outlived, undecidedOf } from "../restored.js";
import type { Job, Node } from "../state.js";
import { nothingUsed } from "../usage.js";
import { preempted } from "../verdict.js";
import { sessionBegins } from "../witnesses/coverage.js";
import { handOutAgain, heldUnsent } from "../witnesses/hand-out.js";
import { type Introduction, narrowHello } from "./narrow.js";
import { missingOf } from "./vanished.js";

type HelloEvent = Extract<AgentEvent, { kind: "agent-hello" }>;

/**
 * An agent says who it is and what it holds. It is told which of that is still its own; then everything that is outstanding for it is ordered
 * (again), so that no message that was lost on the way is missed.
 */
export function hello(draft: Draft, event: HelloEvent): void {
  const said = narrowHello(event.hello);
  if (typeof said === "string") {
    refuse(draft, event.hello.nodeName.slice(0, 80), event.session, said);
    return;
  }
  const before = nodeNamed(draft.world, said.name);
  const twin = before && isTwin(draft, before, said);
  if (twin) {
    refuse(draft, said.name, event.session, "another machine is connected under this name: give one of them --name");
    return;
  }
  const { life } = draft.world.settings;
  const later = outlived(life, said.obeyed);
  if (later !== undefined) {
    refuse(draft, said.name, event.session, later);
    return;
  }
  const node = enrol(draft, before, event.freshNode, said);
  const known = new Set(said.held.map(({ lease }) => lease));
  const bootChanged = before !== undefined && before.bootId !== said.bootId;
  const missing = missingOf(draft, node, known, bootChanged);
  // Another machine under this name: what the former one heard says nothing about it.
  const sameMachine =
    before?.address === said.address && draft.world.liveness.get(node.uuid)?.witnessPort === said.witnessPort;
  const covered = sameMachine ? draft.world.liveness.get(node.uuid)?.coverage : undefined;
  hear(draft, node, {
    session: event.session,
    unhealthyReason: "",
    held: said.held,
    gpuFaults: narrowGpuFaults(event.hello.gpuFaults),
    owner: narrowOwnerTerms(event.hello.inventory?.owner),
    witnessPort: said.witnessPort,
    witnessSet: said.witnessSet,
    coverage: sessionBegins(covered, draft.now),
    ...(missing ? { missing } : {}),
  });
  const { leaseTtlMs, heartbeatIntervalMs } = draft.world.settings;
  const holders = holdersOn(draft, node.uuid);
  const held = holders.map(({ lease }) => lease).filter((lease) => known.has(lease));
  const undecided = undecidedOf(draft.world, holders).filter((lease) => known.has(lease));
  draft.order({
    kind: "welcome",
    node: node.name,
    session: event.session,
    nodeUuid: node.uuid,
    leaseTtlMs,
    heartbeatIntervalMs,
    ...(life ? { life } : {}),
    keptLeaseIds: held.filter((lease) => !undecided.includes(lease)),
    undecidedLeaseIds: undecided,
  });
  orderPreparation(draft, draft.world.nodes.get(node.uuid) ?? node);
  helloOfServer(draft, draft.world.nodes.get(node.uuid) ?? node, { before, exports: said.exports });
  handOutAgain(draft, heldUnsent(draft, draft.world.nodes.get(node.uuid) ?? node, said.witnessSet));
  for (const { lease, job: uuid } of holders) {
    const job = draft.world.jobs.get(uuid);
    const share =
      job && "lease" in job.state ? job.state.lease.shares.find((one) => one.node === node.uuid) : undefined;
    // Nothing is told to a node about what it has lost: what is left of it there, if anything, is not ours to begin again.
    if (!job || !share || missing?.leases.includes(lease)) continue;
    // It was deleted before this node was told of the attempt: nobody can tell it the value any more.
    const secretGone = known.has(lease) ? undefined : secrets(job, draft.world);
    if (secretGone && job.state.kind !== "stopping") giveUp(draft, job, secretGone.message);
    else orderOutstanding(draft, job, share, known.has(lease));
  }
  draft.membershipStale = true;
  if (node.cluster) draft.touched.add(node.cluster);
}

function giveUp(draft: Draft, job: Job, reason: string): void {
  const { job: judged, verdict } = preempted(job, reason);
  stop(draft, judged, verdict);
}

function refuse(draft: Draft, node: string, session: string, reason: string): void {
  draft.order({ kind: "refuse-session", node, session, reason });
  draft.order({ kind: "ignored", node, reason: `hello: ${reason}` });
}

/** Two machines of one name would take each other's leases. One that was only started anew has been silent for a while. */
function isTwin(draft: Draft, before: Node, said: Introduction): boolean {
  const liveness = draft.world.liveness.get(before.uuid);
  if (!liveness || liveness.session === "") return false;
  const silentMs = draft.now - liveness.heardAt;
  const differs = before.bootId !== said.bootId && before.address !== said.address;
  return differs && silentMs < 2 * draft.world.settings.heartbeatIntervalMs;
}

function enrol(draft: Draft, before: Node | undefined, fresh: NodeId, said: Introduction): Node {
  const { name, address, agentVersion, bootId, inventory } = said;
  const facts = { name, address, agentVersion, bootId, inventory };
  // Nothing to write when it comes back as it was: a catalog that can't be written to still welcomes it.
  if (before && !before.lost && isSame(before, facts)) return before;
  const node: Node = before
    ? { ...withoutLost(before), ...facts }
    : { uuid: fresh, enrolledAt: draft.now, sequence: draft.world.next.node, zombies: [], ...facts };
  draft.put("node", node);
  draft.nodeChanged(node.uuid);
  return node;
}

/** Plain data, always made in the same order. */
const isSame = (before: Node, facts: Partial<Node>) =>
  Object.entries(facts).every(([name, fact]) => JSON.stringify(before[name as keyof Node]) === JSON.stringify(fact));

const holdersOn = (draft: Draft, node: NodeId) =>
  (draft.world.index.usage.get(node) ?? nothingUsed).holders.filter(({ zombie }) => !zombie);
