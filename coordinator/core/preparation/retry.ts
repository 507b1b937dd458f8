import { Fault } from "../../../shared/fault.js";
import { isBusy } from "../cluster.js";
import type { Draft } from "../draft.js";
import { findNode, idOfNode } from "../names.js";
import { orderPreparation } from "./order.js";

/** What made the node unusable was mended, or may have gone by itself: its mounts and setup are tried again from the beginning. */
export function retryNode(draft: Draft, id: string): string {
  const node = findNode(draft.world, id);
  if (!node.cluster)
    throw new Fault("failed-precondition", `${idOfNode(node)} is in no cluster: there is nothing to try again`);
  if (isBusy(draft.world, node)) {
    throw new Fault(
      "failed-precondition",
      `${idOfNode(node)} has jobs, which its setup would disturb: drain it, and try again when they have ended`,
    );
  }
  const { since, tries } = node.membership ?? { since: 0, tries: 0 };
  const again = { ...node, membership: { since, tries: tries + 1 } };
  draft.put("node", again);
  draft.nodeChanged(node.uuid);
  draft.touched.add(node.cluster);
  orderPreparation(draft, again);
  return node.uuid;
}
