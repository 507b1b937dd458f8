import type { PreparationRecord, TaskEnd } from "../../../agent/core/preparation/state.js";
import type { Machine } from "./machine.js";
import type { Random } from "./random.js";
import type { Planned } from "./timeline.js";

interface Task {
  readonly run: string;
  ended: TaskEnd | undefined;
  planned: Planned | undefined;
  watching: Array<(end: TaskEnd) => void>;
}

const well: TaskEnd = { exitCode: 0, signal: 0, errorTail: "" };
const killed: TaskEnd = { exitCode: 137, signal: 9, errorTail: "" };

/** A machine's setup task as it really is, and what its agents have written down of it. */
export class Setup {
  readonly random: Random;
  record: PreparationRecord | undefined;
  task: Task | undefined;

  constructor(private readonly machine: Machine) {
    this.random = machine.random.fork(`setup ${machine.name}`);
  }

  start(run: string, ms: number): void {
    if (this.task && !this.task.ended) {
      this.machine.world.truth.breach(
        "one at a time",
        `${this.machine.name} runs setup tasks ${this.task.run} and ${run}`,
      );
    }
    const task: Task = { run, ended: undefined, planned: undefined, watching: [] };
    task.planned = this.machine.world.timeline.after(ms, `${this.machine.name}: setup task`, () =>
      this.over(task, well),
    );
    this.task = task;
  }

  look(run: string, ended: (end: TaskEnd) => void): void {
    const { task } = this;
    if (task?.run !== run) return;
    if (task.ended) ended(task.ended);
    else task.watching.push(ended);
  }

  /** It takes a moment to go. */
  end(run: string): void {
    const { task } = this;
    if (task?.run !== run || task.ended) return;
    const ms = this.random.int(1, 500);
    this.machine.world.timeline.after(ms, `${this.machine.name}: setup task is killed`, () => this.over(task, killed));
  }

  cutPower(): void {
    if (this.task?.planned) this.task.planned.cancelled = true;
    this.task = undefined;
  }

  private over(task: Task, end: TaskEnd): void {
    if (task.ended || this.task !== task) return;
    task.ended = end;
    if (task.planned) task.planned.cancelled = true;
    for (const ended of task.watching) ended(end);
    task.watching = [];
  }
}
