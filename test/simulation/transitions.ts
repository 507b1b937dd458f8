/**
 * Every transition of the state machines: a long run must take each at least once. They are drawn in coordinator/core/job.ts, lease.ts,
 * node.ts and cluster.ts, and in agent/core/lease-run.ts. What one step does at once counts as one: a job that is placed as it comes goes from new
 * to preparing.
 */
export const transitions: readonly string[] = [
  ...from("job: new", "queued", "preparing"),
  ...from("job: queued", "preparing", "finished", "gone"),
  ...from("job: preparing", "running", "stopping", "queued"),
  ...from("job: running", "stopping", "queued", "preparing"),
  ...from("job: stopping", "finished", "queued", "preparing", "gone"),
  ...from("job: finished", "gone"),
  ...from("share: new", "granted"),
  ...from("share: granted", "ready", "done", "lost", "over"),
  ...from("share: ready", "done", "lost", "over"),
  ...from("attempt: new", "preparing"),
  ...from("attempt: preparing", "succeeded", "failed", "lost", "preempted", "terminated"),
  ...from("node: new", "here"),
  ...from("node: here", "lost", "drained", "reclaimed", "leaving", "member", "forgotten"),
  ...["lost", "drained", "reclaimed", "leaving", "member"].flatMap((state) => from(`node: ${state}`, "here")),
  "node: zombie left",
  "node: zombie gone",
  "node: started anew",
  ...from("agent lease: new", "preparing local"),
  ...from("agent lease: preparing local", "preparing mounts", "preparing directories", "preparing local frozen"),
  ...from("agent lease: preparing mounts", "preparing directories", "stopping processes"),
  ...from("agent lease: preparing directories", "preparing preparation", "ready", "running", "stopping processes"),
  ...from(
    "agent lease: preparing preparation",
    "ready",
    "running",
    "stopping processes",
    "preparing preparation frozen",
  ),
  ...from("agent lease: preparing preparation frozen", "preparing preparation"),
  ...from("agent lease: ready", "running", "ready frozen", "stopping remains"),
  ...from("agent lease: ready frozen", "ready", "stopping remains"),
  ...from("agent lease: running", "running frozen", "stopping processes", "stopping remains", "stopping copies"),
  ...from("agent lease: running", "stopping unmount", "done"),
  ...from("agent lease: running frozen", "running", "stopping processes", "stopping remains"),
  ...from("agent lease: stopping processes", "stopping remains", "stopping copies", "done"),
  ...from("agent lease: stopping remains", "stopping copies", "stopping unmount", "done"),
  ...from("agent lease: stopping copies", "stopping unmount", "done"),
  ...from("agent lease: stopping unmount", "done"),
];

function from(state: string, ...to: string[]): string[] {
  return to.map((next) => `${state} → ${next}`);
}

export const missingFrom = (taken: ReadonlyMap<string, number>): string[] =>
  transitions.filter((transition) => !taken.has(transition));
