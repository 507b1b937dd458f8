import { faultsOf, type GpuFault, isOutOfService } from "../gpu-faults.js";
import type { World } from "../memory.js";
import type { Node } from "../state.js";
import { activeTest, type NodeHealth, type OutOfService } from "./record.js";

/** What keeps GPUs of a node from serving as others do: by its agent's word, and by what is remembered. One for each GPU. */
export function conditionsOf(world: World, node: Node): readonly GpuFault[] {
  const told = faultsOf(world.liveness.get(node.uuid));
  const health = world.nodeHealth.get(node.uuid);
  if (!health) return told;
  const known = new Map<string, GpuFault>();
  for (const fault of told) if (!isOverlooked(health, fault)) known.set(fault.uuid, fault);
  for (const out of health.out) {
    const now = known.get(out.uuid);
    if (!now || !isOutOfService(now)) known.set(out.uuid, waiting(out));
  }
  const test = activeTest(health);
  for (const uuid of test?.uuids ?? []) {
    const message = test?.state === "running" ? "is being tested" : "is to be tested as soon as it is free";
    const name = nameOf(node, uuid);
    known.set(uuid, { uuid, state: "in test", rule: "test", message: `${name} ${message}`, since: test?.askedAt ?? 0 });
  }
  return [...known.values()];
}

const waiting = ({ uuid, state, rule, message, since }: OutOfService): GpuFault => ({
  ...{ uuid, state, rule, since, message: `${message} (it has not passed a test since)` },
});

export const isOverlooked = (health: NodeHealth, { uuid, rule }: GpuFault) =>
  health.overlooked.some((each) => each.uuid === uuid && each.rule === rule);

export function nameOf(node: Node, uuid: string): string {
  const gpu = node.inventory.gpus.find((each) => each.uuid === uuid);
  return gpu ? `GPU ${gpu.index} (${uuid})` : `GPU ${uuid}`;
}
