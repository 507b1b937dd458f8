import type { LeaseId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import { narrowGpuFaults } from "../gpu-faults.js";
import { narrowNodeFaults } from "../health/node-faults.js";
import { nodeNamed } from "../names.js";
import { hear, withoutLost } from "../node.js";
import { giveBack, narrowOwnerTerms } from "../owner.js";
import { obeying, undecidedOf } from "../restored.js";
import { nothingUsed } from "../usage.js";
import { heartbeatCame, surelyLiveMs } from "../witnesses/coverage.js";
import { heldUnsent } from "../witnesses/hand-out.js";
import { endOnFailed } from "./failed-gpus.js";
import { narrowHeld, narrowVersion } from "./narrow.js";
import { giveUpMissing } from "./vanished.js";

type HeartbeatEvent = Extract<AgentEvent, { kind: "agent-heartbeat" }>;

/** Renews what is still the node's own. Costs no commit, unless the node had been given up. */
export function heartbeat(draft: Draft, { session, node: name, heartbeat: beat }: HeartbeatEvent): void {
  const before = nodeNamed(draft.world, name);
  const liveness = before && draft.world.liveness.get(before.uuid);
  if (!before || liveness?.session !== session) {
    ignore(draft, name, "heartbeat of a session that does not speak for the node");
    return;
  }
  const held = narrowHeld(beat.leases);
  if (typeof held === "string") {
    ignore(draft, name, `heartbeat: ${held}`);
    return;
  }
  const witnessSet = narrowVersion(beat.witnessSet);
  if (typeof witnessSet === "string") {
    ignore(draft, name, `heartbeat: ${witnessSet}`);
    return;
  }
  const here = draft.world.index.usage.get(before.uuid) ?? nothingUsed;
  const strange = held.some(({ lease, over }) => !over && !here.holders.some((holder) => holder.lease === lease));
  const present = strange ? withoutLost(before) : obeying(draft.world, withoutLost(before));
  if (before.lost || present.epoch !== before.epoch) {
    draft.put("node", present);
    draft.nodeChanged(before.uuid);
    draft.membershipStale = true;
  }
  const node = heldUnsent(draft, present, witnessSet);
  const { sequence, answeredSequence: answered } = beat;
  const { leaseTtlMs } = draft.world.settings;
  const coverage = heartbeatCame(liveness.coverage, { sequence, answered }, draft.now, surelyLiveMs({ leaseTtlMs }));
  const unhealthyReason = beat.unhealthyReason.slice(0, 1000);
  const { witnessPort } = liveness;
  const gpuFaults = narrowGpuFaults(beat.gpuFaults);
  const { tests } = beat;
  const nodeFaults = narrowNodeFaults(beat.nodeFaults, draft.now);
  const complete = !beat.gpusUnread;
  const owner = narrowOwnerTerms(beat.owner);
  hear(draft, node, {
    ...{ session, unhealthyReason, held, gpuFaults, nodeFaults, owner, tests, complete, witnessPort, witnessSet },
    coverage,
  });
  const overlooked = draft.world.nodeHealth.get(node.uuid)?.overlooked ?? [];
  const counted = gpuFaults.filter(
    ({ uuid, rule }) => !overlooked.some((each) => each.uuid === uuid && each.rule === rule),
  );
  endOnFailed(draft, node, counted);
  giveBack(draft, node, owner);
  if (liveness.missing) giveUpMissing(draft, node, liveness.missing, held);
  const own = new Set<LeaseId>();
  for (const { lease, zombie } of (draft.world.index.usage.get(node.uuid) ?? nothingUsed).holders) {
    if (!zombie) own.add(lease);
  }
  const undecided = undecidedOf(draft.world, here.holders);
  const lasting = held.filter(({ over }) => !over).map(({ lease }) => lease);
  draft.order({
    kind: "heartbeat-reply",
    node: name,
    sequence: beat.sequence,
    renewedLeaseIds: lasting.filter((lease) => own.has(lease) && !undecided.includes(lease)),
    supersededLeaseIds: lasting.filter((lease) => !own.has(lease)),
  });
}

export function ignore(draft: Draft, node: string, reason: string): void {
  draft.order({ kind: "ignored", node: node.slice(0, 80), reason });
}
