import type { LeaseId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import { nodeNamed } from "../names.js";
import { hear, withoutLost } from "../node.js";
import { nothingUsed } from "../usage.js";
import { narrowHeld } from "./narrow.js";

type HeartbeatEvent = Extract<AgentEvent, { kind: "agent-heartbeat" }>;

/** Renews what is still the node's own. Costs no commit, unless the node had been given up. */
export function heartbeat(draft: Draft, { session, node: name, heartbeat: beat }: HeartbeatEvent): void {
  const node = nodeNamed(draft.world, name);
  const liveness = node && draft.world.liveness.get(node.uuid);
  if (!node || liveness?.session !== session) {
    ignore(draft, name, "heartbeat of a session that does not speak for the node");
    return;
  }
  const held = narrowHeld(beat.leases);
  if (typeof held === "string") {
    ignore(draft, name, `heartbeat: ${held}`);
    return;
  }
  if (node.lost) {
    draft.put("node", withoutLost(node));
    draft.nodeChanged(node.uuid);
    draft.membershipStale = true;
  }
  hear(draft, node, { session, unhealthyReason: beat.unhealthyReason.slice(0, 1000), held });
  const own = new Set<LeaseId>();
  for (const { lease, zombie } of (draft.world.index.usage.get(node.uuid) ?? nothingUsed).holders) {
    if (!zombie) own.add(lease);
  }
  const lasting = held.filter(({ over }) => !over).map(({ lease }) => lease);
  draft.order({
    kind: "heartbeat-reply",
    node: name,
    sequence: beat.sequence,
    renewedLeaseIds: lasting.filter((lease) => own.has(lease)),
    supersededLeaseIds: lasting.filter((lease) => !own.has(lease)),
  });
}

export function ignore(draft: Draft, node: string, reason: string): void {
  draft.order({ kind: "ignored", node: node.slice(0, 80), reason });
}
