import type { NodeId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import { type GpuFault, isOutOfService } from "../gpu-faults.js";
import type { Instant, Node } from "../state.js";
import type { NodeFault } from "./node-faults.js";
import { type Failure, type NodeHealth, newNodeHealth, type OutOfService } from "./record.js";

/** Of the machine, and of each GPU. */
const keptMax = 20;

export const healthOf = (draft: Draft, node: NodeId): NodeHealth =>
  draft.world.nodeHealth.get(node) ?? newNodeHealth(node);

/**
 * Takes in what a node says of itself: a failure that begins is remembered, and a GPU that is out of service stays so until it has passed a
 * test. Costs a commit only when something has changed. `complete`: what it does not say is over.
 */
export function hearFaults(
  draft: Draft,
  node: Node,
  said: { readonly gpus: readonly GpuFault[]; readonly node: readonly NodeFault[]; readonly complete: boolean },
): void {
  const known = draft.world.nodeHealth.get(node.uuid);
  const listed = said.gpus.filter(({ uuid }) => node.inventory.gpus.some((gpu) => gpu.uuid === uuid));
  const serious = listed.filter(isOutOfService);
  if (!known && serious.length === 0 && said.node.length === 0) return;
  const before = known ?? newNodeHealth(node.uuid);
  const overlooked = said.complete
    ? before.overlooked.filter((each) => serious.some((fault) => isSame(each, fault)))
    : before.overlooked;
  const failing = [...serious, ...said.node.map((fault) => ({ ...fault, uuid: "" }))];
  const failures = withFailures(before.failures, failing, said.complete, draft.now);
  const out = withOut(
    before.out,
    serious.filter((fault) => !overlooked.some((each) => isSame(each, fault))),
  );
  if (failures === before.failures && out === before.out && overlooked.length === before.overlooked.length) return;
  draft.put("node-health", { ...before, failures, out, overlooked });
  draft.nodeChanged(node.uuid);
}

/** One that is over at once: the loss of a node, a death that was the machine's fault. */
export function rememberFailure(draft: Draft, node: NodeId, rule: string, message: string): void {
  const before = healthOf(draft, node);
  const failure = { uuid: "", rule, message: message.slice(0, 500), since: draft.now, until: draft.now };
  draft.put("node-health", { ...before, failures: bounded([...before.failures, failure]) });
}

const isSame = (a: { uuid: string; rule: string }, b: { uuid: string; rule: string }) =>
  a.uuid === b.uuid && a.rule === b.rule;

function withFailures(
  before: readonly Failure[],
  failing: ReadonlyArray<Omit<Failure, "until">>,
  complete: boolean,
  now: Instant,
): readonly Failure[] {
  const lasts = (failure: Failure) => failure.until === undefined;
  const fresh = failing.filter((fault) => !before.some((failure) => lasts(failure) && isSame(failure, fault)));
  const over = complete
    ? before.filter((failure) => lasts(failure) && !failing.some((fault) => isSame(failure, fault)))
    : [];
  if (fresh.length === 0 && over.length === 0) return before;
  const ended = before.map((failure) => (over.includes(failure) ? { ...failure, until: now } : failure));
  const begun = fresh.map(({ uuid, rule, message, since }) => ({ uuid, rule, message, since }));
  return bounded([...ended, ...begun]);
}

/** The latest of each GPU and of the machine; those that last are never forgotten. */
function bounded(failures: readonly Failure[]): Failure[] {
  const later = new Map<string, number>();
  return [...failures]
    .reverse()
    .filter(({ uuid, until }) => {
      const count = (later.get(uuid) ?? 0) + 1;
      later.set(uuid, count);
      return count <= keptMax || until === undefined;
    })
    .reverse();
}

function withOut(before: readonly OutOfService[], serious: readonly GpuFault[]): readonly OutOfService[] {
  const outOf = ({ uuid, state, rule, message, since }: GpuFault): OutOfService => ({
    ...{ uuid, rule, message, since, state: state === "draining" ? "draining" : "failed" },
  });
  const fresh = serious.filter(({ uuid }) => !before.some((out) => out.uuid === uuid));
  const changed = before.map((out) => {
    const fault = serious.find(({ uuid }) => uuid === out.uuid);
    return fault && (fault.rule !== out.rule || fault.state !== out.state) ? outOf(fault) : out;
  });
  if (fresh.length === 0 && changed.every((out, at) => out === before[at])) return before;
  return [...changed, ...fresh.map(outOf)];
}
