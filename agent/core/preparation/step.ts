import { unreachable } from "../../../shared/assert.js";
import type { Failure } from "../lease-state.js";
import type { Now } from "../time.js";
import { faultOfEnd, setupFault } from "./fault.js";
import { reportOf } from "./report.js";
import type {
  PreparationEffect,
  PreparationEvent,
  PreparationPlan,
  PreparationRecord,
  PreparationState,
  PreparationStep,
  TaskEnd,
  TaskRecord,
} from "./state.js";

/**
 * How a node is prepared for its cluster:
 *
 *   untold ──┐               ┌──(in no cluster)──▶ free
 *   free ────┼─▶ clearing ─▶ mounting ─▶ account ─▶ task ─▶ ready
 *   ready… ──┘   (task ends,    │  ▲                 │
 *                 accounts)     └──┘ again           └──(failure)──▶ failed
 *
 * A plan of another id begins anew at clearing. What is on record for this id and boot is not done again. A task is begun once in its record,
 * and never while another one is left.
 */
export function prepare(
  before: PreparationState,
  event: PreparationEvent,
  now: Now,
): { state: PreparationState; effects: readonly PreparationEffect[] } {
  const at = new Preparing(before, now);
  at.take(event);
  at.proceed();
  const changed = JSON.stringify(reportOf(before, 0)) !== JSON.stringify(reportOf(at.state, 0));
  if (changed) at.effects.push({ type: "report" });
  return { state: at.state, effects: at.effects };
}

/** After a volume could not be mounted, or the disk was full. */
const retryMs = 15_000;

/** Lives for one call of `prepare`. */
class Preparing {
  readonly effects: PreparationEffect[] = [];

  constructor(
    public state: PreparationState,
    private readonly now: Now,
  ) {}

  take(event: PreparationEvent): void {
    switch (event.type) {
      case "found":
        this.found(event.record, event.process);
        return;
      case "ordered":
        this.ordered(event.plan);
        return;
      case "mounted":
        if (event.turn === this.state.turn) this.mounted(event.fault);
        return;
      case "accounts-cleared":
        if (event.turn !== this.state.turn || this.state.step.kind !== "clearing" || !this.state.busy) return;
        this.warn(event.warning);
        this.go({ kind: "mounting" });
        return;
      case "account-made":
        if (event.turn !== this.state.turn || this.state.step.kind !== "account") return;
        this.warn(event.warning);
        this.note(event.warning ?? "the admin account is there");
        this.go({ kind: "task" });
        return;
      case "task-not-started":
        this.taskOver(event.run, this.fault(event.message));
        return;
      case "task-ended":
        this.taskEnded(event.run, event.end);
        return;
      case "warned":
        if (this.state.record?.task.run === event.run) this.warn(event.warning);
        return;
      case "not-recorded":
        this.notRecorded(event.message);
        return;
      case "tick":
        this.tick();
        return;
      default:
        unreachable(event);
    }
  }

  /** Goes on as far as it can without waiting for anything. */
  proceed(): void {
    while (!this.state.busy && this.moved());
  }

  private moved(): boolean {
    const { step, plan, process, turn } = this.state;
    if (!plan) return false;
    switch (step.kind) {
      case "clearing":
        if (process !== "none") {
          this.endTask();
          return false;
        }
        if (this.state.record && !this.isOnRecord(plan)) this.write(undefined);
        return this.begin({ type: "clear-accounts", turn, keep: plan.account?.name ?? "" });
      case "mounting":
        if (step.fault) return false;
        if (plan.mounts.length > 0) this.note(`mounting ${count(plan.mounts.length, "volume")}`);
        return this.begin({ type: "set-mounts", turn, mounts: plan.mounts });
      case "account":
        if (!plan.account?.name) return this.go({ kind: "task" });
        return this.begin({ type: "make-account", turn, id: plan.id, account: plan.account });
      case "task":
        return this.task(plan);
      case "untold":
      case "free":
      case "ready":
      case "failed":
        return false;
      default:
        return unreachable(step);
    }
  }

  private found(record: PreparationRecord | undefined, process: "absent" | "live" | "ended"): void {
    if (!record) return;
    const { task, boot } = record;
    const here = boot === this.state.boot && process !== "absent";
    // Of another boot nothing runs; what was never begun is begun when the plan comes.
    if (task.state === "running" && !here) return;
    this.state = { ...this.state, record };
    if (!here || (task.state !== "running" && process === "ended")) return;
    this.state = { ...this.state, process: task.state === "running" ? "running" : "ending" };
    this.effects.push({ type: "adopt-task", run: task.run });
    // Its time was over, and an agent that was killed then has not seen it end.
    if (task.state !== "running") this.effects.push({ type: "end-task", run: task.run, graceMs: 0 });
  }

  private ordered(plan: PreparationPlan): void {
    const { plan: before, turn } = this.state;
    if (before?.id === plan.id && before.digest === plan.digest) {
      // Said again, after a reconnect or because a volume is elsewhere now: what is mounted follows, the rest is done.
      this.state = { ...this.state, plan };
      if (this.state.step.kind === "mounting") this.go({ kind: "mounting" });
      else if (this.state.step.kind !== "clearing")
        this.effects.push({ type: "set-mounts", turn, mounts: plan.mounts });
      return;
    }
    const again = before === undefined && this.isOnRecord(plan);
    this.state = { ...this.state, plan, turn: turn + 1, warnings: [] };
    this.go({ kind: "clearing" });
    if (!again) return;
    // A later agent of the same preparation: its task is left alone.
    this.go({ kind: "mounting" });
    const { ended, record } = this.state;
    if (!record || !plan.task || record.task.state !== "running") return;
    this.effects.push({ type: "follow-output", run: record.task.run, task: plan.task });
    if (ended) this.taskEnded(record.task.run, ended);
  }

  private isOnRecord({ id, digest }: PreparationPlan): boolean {
    const { record, boot } = this.state;
    return record?.id === id && record.digest === digest && record.boot === boot;
  }

  private mounted(fault: Failure | undefined): void {
    const { step, plan } = this.state;
    if (step.kind !== "mounting" && step.kind !== "ready" && step.kind !== "free") return;
    if (fault && step.kind !== "free") {
      this.note(fault.message);
      this.state = { ...this.state, retryAt: this.now.monotonic + retryMs };
      this.go({ kind: "mounting", fault });
    } else if (step.kind === "mounting") {
      if ((plan?.mounts.length ?? 0) > 0) this.note("its volumes are mounted");
      this.go(plan?.id === "" ? { kind: "free" } : { kind: "account" });
    }
  }

  private task(plan: PreparationPlan): boolean {
    const { record, process } = this.state;
    if (!plan.task) return this.go({ kind: "ready" });
    const known = this.isOnRecord(plan) ? record?.task : undefined;
    if (known?.state === "succeeded") return this.go({ kind: "ready" });
    if (known?.state === "failed") return this.go({ kind: "failed", fault: known.fault });
    if (process !== "none") {
      if (known) this.wait();
      return false;
    }
    const run = String(this.now.instant);
    const { monotonic: since } = this.now;
    this.note("the setup task starts");
    this.write({
      run,
      state: "running",
      since,
      limitMs: Number(plan.task.limitMs),
      graceMs: Number(plan.task.graceMs),
    });
    this.state = { ...this.state, process: "running", since };
    return this.begin({ type: "start-task", run, task: plan.task });
  }

  /** For the task of an earlier agent. */
  private wait(): void {
    const task = this.state.record?.task;
    const since = task?.state === "running" ? task.since : this.state.since;
    this.state = { ...this.state, since, busy: true };
  }

  private taskEnded(run: string, end: TaskEnd): void {
    if (this.state.record?.task.run !== run) return;
    if (!this.state.plan) {
      this.state = { ...this.state, process: "none", ended: end };
      return;
    }
    this.taskOver(run, faultOfEnd(this.state.node, end, this.state.plan.task?.secrets ?? []));
  }

  private taskOver(run: string, fault: Failure | undefined): void {
    const { record, step, plan } = this.state;
    if (record?.task.run !== run) return;
    const { ended: _, ...rest } = this.state;
    this.state = { ...rest, process: "none" };
    this.effects.push({ type: "finish-output", run });
    // It was ended because its time was over, or for another plan: that is why it failed, or nothing at all.
    if (record.task.state !== "running" || !plan || !this.isOnRecord(plan)) {
      if (step.kind === "clearing") this.state = { ...this.state, busy: false };
      return;
    }
    this.note(fault?.message ?? "the setup task has ended well");
    this.write(fault ? { run, state: "failed", fault } : { run, state: "succeeded" });
    if (step.kind === "task") this.go(fault ? { kind: "failed", fault } : { kind: "ready" });
  }

  /** How a task has ended can be seen by a later agent without the record; that it has begun can't. */
  private notRecorded(message: string): void {
    const { record, ...rest } = this.state;
    if (record?.task.state !== "running" || this.state.step.kind !== "task") return;
    this.state = { ...rest, process: "none", retryAt: this.now.monotonic + retryMs };
    this.go({ kind: "failed", fault: this.fault(`the node could not write it down: ${message}`), retry: true });
  }

  private endTask(): void {
    const task = this.state.record?.task;
    if (this.state.process === "running" && task?.state === "running") {
      this.effects.push({ type: "end-task", run: task.run, graceMs: task.graceMs });
    }
    this.state = { ...this.state, process: "ending" };
  }

  private tick(): void {
    const { retryAt, record, process, step } = this.state;
    const { monotonic } = this.now;
    if (retryAt !== undefined && retryAt <= monotonic) {
      const { retryAt: _, ...rest } = this.state;
      this.state = rest;
      if (step.kind === "mounting" && step.fault) this.again();
      if (step.kind === "failed" && step.retry) this.go({ kind: "task" });
    }
    const task = record?.task;
    if (process !== "running" || task?.state !== "running" || task.since + task.limitMs > monotonic) return;
    const fault = this.fault(`it took longer than ${Math.round(task.limitMs / 1000)} s`);
    this.note(fault.message);
    this.endTask();
    this.write({ run: task.run, state: "failed", fault });
    if (step.kind === "task") this.go({ kind: "failed", fault });
  }

  /** The fault stays told until it is known to be gone. */
  private again(): void {
    const { plan, turn } = this.state;
    this.effects.push({ type: "set-mounts", turn, mounts: plan?.mounts ?? [] });
  }

  private fault(why: string): Failure {
    return setupFault(this.state.node, why);
  }

  private write(task: TaskRecord | undefined): void {
    const { plan, boot } = this.state;
    const { record: before, ...rest } = this.state;
    if (task === undefined) {
      this.state = rest;
      this.effects.push({ type: "record", record: undefined });
      return;
    }
    const known = { id: plan?.id ?? before?.id ?? "", digest: plan?.digest ?? before?.digest ?? "" };
    const record = { ...known, boot, task };
    this.state = { ...rest, record };
    this.effects.push({ type: "record", record });
  }

  private begin(effect: PreparationEffect): false {
    this.state = { ...this.state, busy: true };
    this.effects.push(effect);
    return false;
  }

  private go(step: PreparationStep): true {
    const since = this.state.step.kind === step.kind ? this.state.since : this.now.monotonic;
    this.state = { ...this.state, step, since, busy: false };
    if (step.kind === "ready") this.note("the node is ready");
    return true;
  }

  private note(text: string): void {
    this.effects.push({ type: "note", text });
  }

  private warn(warning: string | undefined): void {
    if (warning === undefined || this.state.warnings.includes(warning)) return;
    this.state = { ...this.state, warnings: [...this.state.warnings, warning] };
  }
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
