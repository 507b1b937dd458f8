import type { LeaseId } from "../../shared/ids.js";
import type { HeldId } from "./agents/narrow.js";
import type { Draft } from "./draft.js";
import type { GpuFault } from "./gpu-faults.js";
import { hearFaults, rememberFailure } from "./health/failures.js";
import type { NodeFault } from "./health/node-faults.js";
import { advanceTests } from "./health/tests.js";
import { excuse, shareEnded, stop } from "./job.js";
import type { Liveness } from "./liveness.js";
import type { World } from "./memory.js";
import type { OwnerTerms } from "./owner.js";
import type { Instant, Node, Zombie } from "./state.js";
import { nothingUsed } from "./usage.js";
import { failedByMachine } from "./verdict.js";

/**
 * One machine, as far as it can be known from here.
 *
 *   (hello) ──▶ connected ──(stream ends)──▶ silent ──(leaseTtl + margin)*─▶ lost
 *                  ▲  ▲────────(hello)─────────┘                              │
 *                  └───────────────(hello or heartbeat)───────────────────────┘
 *
 * * and, when it holds leases, its witnesses surely did not let it go on: see witnesses/quorum.ts. Or an operator says so.
 *
 * Lost means: its processes must be frozen by now, and its jobs go on without it. What it may still hold becomes a zombie, and stays promised
 * until the node itself says that it is gone.
 */
export function lose(draft: Draft, node: Node): void {
  const holders = (draft.world.index.usage.get(node.uuid) ?? nothingUsed).holders.filter(({ zombie }) => !zombie);
  const zombies: Zombie[] = holders.map(({ lease, held }) => ({ lease, held, since: draft.now }));
  draft.put("node", { ...node, lost: { since: draft.now }, zombies: [...node.zombies, ...zombies] });
  draft.nodeChanged(node.uuid);
  draft.membershipStale = true;
  if (holders.length > 0 && !node.drained) rememberFailure(draft, node.uuid, "lost", `node ${node.name} was lost`);
  for (const { job: uuid } of holders) {
    const job = draft.world.jobs.get(uuid);
    if (!job) continue;
    const fault = {
      code: "NodeLost",
      message: `node ${node.name} was lost`,
      details: [{ name: "node", value: node.name }],
    };
    if (job.state.kind === "stopping") {
      shareEnded(draft, excuse(draft, job, node.uuid, fault), node.uuid, "lost");
      continue;
    }
    // Its share first, so that nobody is told to stop what can't hear.
    const without = shareEnded(draft, job, node.uuid, "lost");
    const { job: judged, verdict } = failedByMachine(without, node.uuid, fault, "lost");
    stop(draft, judged, verdict);
  }
}

/** For longer than its leases last, as far as was heard since this coordinator started. */
export function isSilent(world: World, node: Node, now: Instant): boolean {
  if (now < world.clock.graceUntil) return false;
  const heardAt = world.liveness.get(node.uuid)?.heardAt;
  return heardAt === undefined || now - heardAt >= world.settings.leaseTtlMs + world.settings.marginMs;
}

export function withoutLost({ lost: _, ...node }: Node): Node {
  return node;
}

/** The node spoke. Remembered in memory alone. */
export function hear(
  draft: Draft,
  node: Node,
  said: Pick<Liveness, "session" | "unhealthyReason" | "witnessPort" | "witnessSet" | "coverage" | "missing"> & {
    held: readonly HeldId[];
    gpuFaults: readonly GpuFault[];
    owner: OwnerTerms | undefined;
    nodeFaults?: readonly NodeFault[];
    tests?: boolean;
    /** What it does not name is over. */
    complete?: boolean;
  },
): void {
  const before = draft.world.liveness.get(node.uuid);
  const known = draft.world.index.usage.get(node.uuid) ?? nothingUsed;
  const strangers = said.held
    .filter(({ lease, over }) => !over && !known.holders.some((holder) => holder.lease === lease))
    .map(({ lease }) => lease);
  const liveness: Liveness = {
    session: said.session,
    heardAt: draft.now,
    unhealthyReason: said.unhealthyReason,
    strangers,
    frozen: said.held.flatMap(({ lease, frozen }) => (frozen ? [{ lease, ...frozen }] : [])),
    doing: said.held.flatMap(({ lease, doing }) => (doing ? [{ lease, ...doing }] : [])),
    ...(said.gpuFaults.length > 0 ? { gpuFaults: said.gpuFaults } : {}),
    ...(said.owner ? { owner: said.owner } : {}),
    ...(said.tests ? { tests: true } : {}),
    ...(before?.orderedTest && before.session === said.session ? { orderedTest: before.orderedTest } : {}),
    witnessPort: said.witnessPort,
    witnessSet: said.witnessSet,
    coverage: said.coverage,
    ...(said.missing ? { missing: said.missing } : {}),
    ...(before?.condition ? { condition: before.condition } : {}),
    // Another session's agent may be another one: it says it again.
    ...(before?.preparation && before.session === said.session ? { preparation: before.preparation } : {}),
  };
  const wasSilent = !before || draft.now - before.heardAt > 2 * draft.world.settings.heartbeatIntervalMs;
  const roomChanged =
    wasSilent ||
    before.session !== liveness.session ||
    before.unhealthyReason !== liveness.unhealthyReason ||
    wordsOf(before.owner) !== wordsOf(liveness.owner) ||
    before.strangers.length !== strangers.length ||
    serving(before.gpuFaults) !== serving(liveness.gpuFaults);
  draft.note({ kind: "liveness", node: node.uuid, liveness, roomChanged });
  const complete = said.complete ?? false;
  hearFaults(draft, node, { gpus: said.gpuFaults, node: said.nodeFaults ?? [], complete });
  advanceTests(draft, node, complete);
  if (!roomChanged) return;
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
}

const wordsOf = (terms: OwnerTerms | undefined) => JSON.stringify(terms ?? "");

const serving = (faults: readonly GpuFault[] = []) => faults.map(({ uuid, state }) => `${uuid} ${state}`).join();

/** The stream ended, which is no verdict. */
export function silent(draft: Draft, node: Node): void {
  const before = draft.world.liveness.get(node.uuid);
  if (!before) return;
  draft.note({ kind: "liveness", node: node.uuid, liveness: { ...before, session: "" }, roomChanged: true });
  draft.nodeChanged(node.uuid);
}

/** True when there was one. */
export function releaseZombie(draft: Draft, node: Node, lease: LeaseId): boolean {
  const zombies = node.zombies.filter((zombie) => zombie.lease !== lease);
  if (zombies.length === node.zombies.length) return false;
  draft.put("node", { ...node, zombies });
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
  return true;
}
