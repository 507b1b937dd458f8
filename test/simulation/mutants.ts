import type { PlanKind } from "./world/plan.js";

/** One text in one file, replaced by another: the bundle is made with it, the files stay as they are. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A protective rule that is broken. The simulation must notice, or it would not notice when somebody breaks it by mistake. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** The troubles in which it shows soonest. */
  readonly plan: PlanKind;
}

const mutant = (name: string, plan: PlanKind, file: string, find: string, replace: string): Mutant => ({
  name,
  plan,
  patches: [{ file, find, replace }],
});

export const mutants: readonly Mutant[] = [
  mutant(
    "fences that last for ever",
    "partitions",
    "agent/core/draft.ts",
    `at.effects.push({ type: "fence", until: expiresAt });`,
    `at.effects.push({ type: "fence", until: expiresAt + 3_600_000 });`,
  ),
  mutant(
    "no watchdog",
    "chaos",
    "test/simulation/world/watchdog.ts",
    "const late = now >= until;",
    "const late = now >= until && this.machine.agent?.process.stopped === false;",
  ),
  mutant(
    "no attempt check in the agent",
    "chaos",
    "agent/core/step.ts",
    "if (id.attempt <= known) {",
    "if (id.attempt < 0) {",
  ),
  mutant(
    "an attempt is placed beside an older one of its job",
    "outages",
    "coordinator/core/checks/unshared.ts",
    "holder.job === job.uuid",
    "holder.job === undefined",
  ),
  mutant(
    "acknowledge before commit",
    "disks",
    "coordinator/engine.ts",
    "if (!this.commit(changes, batch)) return;\n    for (const tell of done) tell();",
    "for (const tell of done) tell();\n    if (!this.commit(changes, batch)) return;",
  ),
  mutant(
    "no grace after a start",
    "restarts",
    "coordinator/core/memory.ts",
    "graceUntil: startedAt + settings.leaseTtlMs + settings.marginMs",
    "graceUntil: startedAt",
  ),
  mutant(
    "no grace after standing still",
    "restarts",
    "coordinator/core/tick.ts",
    "const slept = draft.now - tickedAt > marginMs;",
    "const slept = draft.now - tickedAt > marginMs * 1e9;",
  ),
  mutant(
    "thaw without asking",
    "partitions",
    "agent/core/step.ts",
    `kept.has(lease) ? { type: "renewed", until: sentAt + ttlMs } : { type: "superseded" }`,
    `{ type: "renewed", until: sentAt + ttlMs }`,
  ),
  mutant(
    "superseded is not killed",
    "partitions",
    "agent/core/stopping.ts",
    `requestStop(at, "another attempt took its place, or the job is gone", false);`,
    "",
  ),
  mutant(
    "renewed from receipt, not from sending",
    "witnesses",
    "agent/core/step.ts",
    `{ type: "renewed", until: at + this.state.ttlMs }`,
    `{ type: "renewed", until: this.now.monotonic + this.state.ttlMs }`,
  ),
  mutant(
    "not in the ledger before it starts",
    "disks",
    "agent/core/step.ts",
    `this.put(run.id, { run, effects: [], keep: "safe" });`,
    `this.put(run.id, { run, effects: [], keep: "memory" });`,
  ),
  {
    name: "what a lost node may hold is given away",
    plan: "outages",
    patches: [
      {
        file: "coordinator/core/node.ts",
        find: "zombies: [...node.zombies, ...zombies]",
        replace: "zombies: [...node.zombies, ...zombies.slice(0, 0)]",
      },
      {
        file: "coordinator/core/checks/cleaned.ts",
        find: "const count = liveness?.strangers.length ?? 0;",
        replace: "const count = 0 * (liveness?.strangers.length ?? 0);",
      },
    ],
  },
  mutant(
    "GPUs are promised twice",
    "chaos",
    "coordinator/core/usage.ts",
    "gpus.filter(({ uuid }) => !usage.gpuUuids.has(uuid)).map",
    "gpus.map",
  ),
  mutant(
    "the next attempt waits for nobody",
    "chaos",
    "coordinator/core/job.ts",
    `if (job.state.kind !== "stopping" || !isOver(job.state.lease)) return job;`,
    `if (job.state.kind !== "stopping") return job;`,
  ),
  mutant(
    "a gang starts before all are ready",
    "chaos",
    "coordinator/core/lease.ts",
    `lease.shares.every(({ phase }) => phase === "ready")`,
    `lease.shares.some(({ phase }) => phase === "ready")`,
  ),
  mutant(
    "a terminate does not overrule a retry",
    "operators",
    "coordinator/core/job.ts",
    "const overruled = { ...job.state.verdict, next: verdict.next };",
    "const overruled = { ...job.state.verdict };",
  ),
  mutant(
    "volumes stay mounted",
    "chaos",
    "agent/core/proceed.ts",
    `if (grant.jobMounts.length > 0) return begin(at, { type: "unmount" });`,
    "",
  ),
  {
    name: "a late hello is believed",
    plan: "partitions",
    patches: [
      {
        file: "coordinator/core/agents/hello.ts",
        find: `import { missingOf } from "./vanished.js";`,
        replace: `import { giveUpMissing, missingOf } from "./vanished.js";`,
      },
      {
        file: "coordinator/core/agents/hello.ts",
        find: "const { leaseTtlMs, heartbeatIntervalMs } = draft.world.settings;",
        replace:
          "if (missing) giveUpMissing(draft, node, missing, said.held);\n  const { leaseTtlMs, heartbeatIntervalMs } = draft.world.settings;",
      },
    ],
  },
  {
    name: "a stream that no longer speaks for its node is believed",
    plan: "outages",
    patches: [
      {
        file: "coordinator/core/agents/heartbeat.ts",
        find: "if (!before || liveness?.session !== session) {",
        replace: "if (!before || !liveness) {",
      },
      {
        file: "coordinator/core/agents/report.ts",
        find: "if (!node || draft.world.liveness.get(node.uuid)?.session !== event.session) {",
        replace: "if (!node) {",
      },
    ],
  },
  mutant(
    "lost without a quorum",
    "outages",
    "coordinator/core/tick.ts",
    "isSilent(world, node, now) && !withheld(world, node, now)",
    "isSilent(world, node, now)",
  ),
  mutant(
    "a quorum of those who are connected",
    "outages",
    "coordinator/core/witnesses/quorum.ts",
    "return covers(liveness.coverage, now - longestPermitMs(set.ttlMs) - world.settings.marginMs, now);",
    `return liveness.session !== "";`,
  ),
  mutant(
    "a permit mends a broken chain",
    "outages",
    "agent/core/witness.ts",
    `expiresAt > now && !frozen && progress.phase !== "done"`,
    `progress.phase !== "done"`,
  ),
  mutant(
    "a permit counts from its answers",
    "witnesses",
    "agent/core/witness.ts",
    `return (answer?.verdict === "gone" ? asked.get(answer.question) : undefined) ?? [];`,
    `return (answer?.verdict === "gone" && asked.has(answer.question) ? now : undefined) ?? [];`,
  ),
  mutant(
    "half of the witnesses is enough for a permit",
    "outages",
    "agent/core/witness.ts",
    ".at(Math.floor(set.members.length / 2))",
    ".at(Math.max(0, Math.floor(set.members.length / 2) - 1))",
  ),
  mutant(
    "a witness takes silence for gone at once",
    "outages",
    "agent/core/witness.ts",
    "const liveMs = (ttlMs: number) => (ttlMs * 2) / 3;",
    "const liveMs = (ttlMs: number) => ttlMs / 600;",
  ),
  mutant(
    "a witness that has just started says gone",
    "witnesses",
    "agent/core/witness.ts",
    `return now - startedAt < ms ? "unknown" : "gone";`,
    `return "gone";`,
  ),
  mutant(
    "only the newest witnesses count",
    "outages",
    "coordinator/core/witnesses/quorum.ts",
    "for (const version of node.witnessSets ?? []) {",
    "for (const version of (node.witnessSets ?? []).slice(-1)) {",
  ),
];
