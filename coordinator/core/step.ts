import { unreachable } from "../../shared/assert.js";
import { audit, noteOf, type Origin } from "./access/audit.js";
import { decideAccess } from "./access/decide.js";
import { noteUses } from "./access/tokens.js";
import { heartbeat } from "./agents/heartbeat.js";
import { hello } from "./agents/hello.js";
import { report } from "./agents/report.js";
import { announceStep } from "./announcements/of-step.js";
import { createCluster, createExperiment, createFileServer, createJob, createWorkspace } from "./api/create.js";
import { deleteCluster, deleteExperiment, deleteFileServer, deleteJob } from "./api/delete.js";
import { deleteWorkspace, withdrawWorkspaces } from "./api/delete-workspace.js";
import { mapMachineClass, unmapMachineClass } from "./api/machine-classes.js";
import { declareNodeLost, deleteNode, drainNode, reclaimNode, resumeNode } from "./api/nodes.js";
import { resizeCluster } from "./api/resize.js";
import { deleteSecret, setSecret } from "./api/secrets.js";
import { mapStorage, unmapStorage } from "./api/storage.js";
import { announceOutside, createSubscription, deleteSubscription, delivered } from "./api/subscriptions.js";
import { setQuota, updateWorkspace } from "./api/workspace.js";
import type { Change } from "./changes.js";
import { Draft } from "./draft.js";
import type { Effect } from "./effects.js";
import type { Event } from "./events.js";
import { exportsReported } from "./file-servers/exports.js";
import { gangWatched } from "./gang-watch/take.js";
import { testResult } from "./health/test-result.js";
import { returnGpu, testNode } from "./health/tests.js";
import { joinNode, removeNode } from "./identity/nodes.js";
import { createJoinToken, revokeJoinToken } from "./identity/tokens.js";
import { terminate } from "./job.js";
import type { World } from "./memory.js";
import { findJob, nodeNamed } from "./names.js";
import { silent } from "./node.js";
import { noteConditions } from "./preparation/condition.js";
import { preparationReport } from "./preparation/report.js";
import { retryNode } from "./preparation/retry.js";
import { settleMembership } from "./scaling/settle.js";
import { wither } from "./scaling/wither.js";
import { schedule } from "./schedule.js";
import type { Instant } from "./state.js";
import { tick } from "./tick.js";
import { settleWitnesses } from "./witnesses/hand-out.js";

export interface Step {
  /** To be committed and given to `apply`, all of them, before the next step. */
  readonly changes: readonly Change[];
  /** To be carried out once the changes are on disk. */
  readonly effects: readonly Effect[];
  /** UUID of what an API event was about: the resource made (or made earlier, under the same idempotency key), or named. */
  readonly subject?: string;
}

/**
 * Decides what follows from one event. Throws a Fault when an API event is refused. `world` is only read.
 * `now` never goes back, and does not jump with the wall clock: the engine takes the wall clock once at its start and adds monotonic time.
 * Without `settling` nothing more follows than what the event itself says: for a catalog that can't be written to.
 */
export function step(
  world: World,
  event: Event,
  now: Instant,
  { settling, origin }: { settling: boolean; origin?: Origin | undefined } = { settling: true },
): Step {
  const draft = new Draft(world, now, origin);
  const subject = decide(draft, event);
  const takeNoHint = event.kind === "tick" || event.kind === "resume";
  if (settling) settle(draft, takeNoHint);
  noteConditions(draft, takeNoHint ? world.nodes.keys() : draft.changedNodes);
  announceStep(draft, world, event.kind === "tick" || event.kind === "resume" ? event.kind : undefined);
  if (origin && draft.hasRows) audit(draft, noteOf(origin, "ok"));
  return { changes: draft.changes, effects: draft.effects, ...(subject === undefined ? {} : { subject }) };
}

function decide(draft: Draft, event: Event): string | undefined {
  switch (event.kind) {
    case "workspace-create":
      return createWorkspace(draft, event);
    case "cluster-create":
      return createCluster(draft, event);
    case "file-server-create":
      return createFileServer(draft, event);
    case "experiment-create":
      return createExperiment(draft, event);
    case "job-create":
      return createJob(draft, event);
    case "workspace-delete":
      return deleteWorkspace(draft, event.id);
    case "cluster-delete":
      return deleteCluster(draft, event.id);
    case "file-server-delete":
      return deleteFileServer(draft, event.id);
    case "experiment-delete":
      return deleteExperiment(draft, event.id);
    case "job-delete":
      return deleteJob(draft, event.id);
    case "workspace-update":
      return updateWorkspace(draft, event);
    case "workspace-quota":
      return setQuota(draft, event.id, event.quota);
    case "secret-set":
      return setSecret(draft, event);
    case "secret-delete":
      return deleteSecret(draft, event.id);
    case "machine-class-map":
      return mapMachineClass(draft, event.alias, event.machineClass);
    case "machine-class-unmap":
      return unmapMachineClass(draft, event.alias);
    case "cluster-resize":
      return resizeCluster(draft, event.id, event.scale);
    case "storage-map":
      return mapStorage(draft, event);
    case "storage-unmap":
      return unmapStorage(draft, event.source);
    case "join-token-create":
      return createJoinToken(draft, event);
    case "join-token-revoke":
      return revokeJoinToken(draft, event.uuid);
    case "node-join":
      return joinNode(draft, event);
    case "node-remove":
      return removeNode(draft, event.id, event.by);
    case "job-terminate":
      return terminate(draft, findJob(draft.world, event.id)).uuid;
    case "node-drain":
      return drainNode(draft, event.id, event.reason);
    case "node-reclaim":
      return reclaimNode(draft, event);
    case "node-resume":
      return resumeNode(draft, event.id);
    case "node-retry":
      return retryNode(draft, event.id);
    case "node-test":
      return testNode(draft, event);
    case "gpu-return":
      return returnGpu(draft, event);
    case "node-delete":
      return deleteNode(draft, event.id);
    case "node-declare-lost":
      return declareNodeLost(draft, event.id);
    case "user-create":
    case "user-update":
    case "user-password":
    case "user-delete":
    case "subject-sign-in":
    case "token-create":
    case "certificate-renew":
    case "token-revoke":
    case "role-grant":
    case "role-revoke":
      return decideAccess(draft, event);
    case "tokens-used":
      noteUses(draft, event.uses);
      return undefined;
    case "audit":
      for (const note of event.notes) audit(draft, note);
      return undefined;
    case "agent-hello":
      hello(draft, event);
      return undefined;
    case "agent-heartbeat":
      heartbeat(draft, event);
      return undefined;
    case "agent-preparation":
      preparationReport(draft, event);
      return undefined;
    case "agent-test":
      testResult(draft, event);
      return undefined;
    case "agent-exports":
      exportsReported(draft, event);
      return undefined;
    case "agent-report":
      report(draft, event);
      return undefined;
    case "agent-gone": {
      const node = nodeNamed(draft.world, event.node);
      if (node && draft.world.liveness.get(node.uuid)?.session === event.session) silent(draft, node);
      return undefined;
    }
    case "subscription-create":
      return createSubscription(draft, event);
    case "subscription-delete":
      return deleteSubscription(draft, event.id, event.workspace);
    case "delivered":
      delivered(draft, event);
      return undefined;
    case "announce":
      announceOutside(draft, event);
      return undefined;
    case "gang-watched":
      gangWatched(draft, event);
      return undefined;
    case "tick":
    case "resume":
      tick(draft);
      return undefined;
    default:
      return unreachable(event);
  }
}

/** Whatever the event was, the rest is the same: who has which nodes, and what can start on them. */
function settle(draft: Draft, takeNoHint: boolean): void {
  const clusters = () => [...draft.touched].flatMap((uuid) => draft.world.clusters.get(uuid) ?? []);
  if (takeNoHint) settleWitnesses(draft);
  if (draft.withdrawalStale || takeNoHint) withdrawWorkspaces(draft);
  for (const cluster of clusters()) if (cluster.deletingSince !== undefined) wither(draft, cluster);
  // The want of a cluster that scales by itself, and what it can let go of, change with its queue and its busy nodes.
  const unsettled = clusters().some(({ size }) => size.minimum < size.maximum) || overfull(draft) || someoneLeft(draft);
  if (draft.membershipStale || unsettled) settleMembership(draft);
  for (const cluster of clusters().sort((a, b) => a.sequence - b.sequence)) schedule(draft, cluster, takeNoHint);
  if (draft.withdrawalStale) withdrawWorkspaces(draft);
}

/** A node that is on its way out of its cluster may have become empty. */
function someoneLeft({ world, changedNodes }: Draft): boolean {
  for (const uuid of changedNodes) {
    const node = world.nodes.get(uuid);
    if (node?.cluster && (node.leaving || node.drained?.reclaimed)) return true;
  }
  return false;
}

/** A touched cluster has more nodes than it may have. */
function overfull(draft: Draft): boolean {
  for (const uuid of draft.touched) {
    const cluster = draft.world.clusters.get(uuid);
    if (cluster && (draft.world.index.nodesOfCluster.get(uuid)?.size ?? 0) > cluster.size.maximum) return true;
  }
  return false;
}
