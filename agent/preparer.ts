import { mkdirSync } from "node:fs";
import type { Logger } from "pino";
import { unreachable } from "../shared/assert.js";
import type { Clock } from "../shared/clock.js";
import type { SetMounts } from "../shared/gen/stoker/v1/agent_service_pb.js";
import type { Failure } from "./core/lease-state.js";
import { type PreparationTold, reportOf } from "./core/preparation/report.js";
import {
  nextPreparationTick,
  type PreparationEffect,
  type PreparationEvent,
  type PreparationState,
  unprepared,
} from "./core/preparation/state.js";
import { prepare } from "./core/preparation/step.js";
import type { AdminAccounts, Mounts, Shims, StdCopies } from "./ports.js";
import { planOf } from "./setup/plan.js";
import { recordFile } from "./setup/record-file.js";
import { SetupTask } from "./setup/setup-task.js";

export interface PreparerHost {
  clock: Clock;
  nodeName: string;
  boot: string;
  /** `<data>/setup` */
  folder: string;
  mountRoot: string;
  baseEnvironment: Readonly<Record<string, string>>;
  mounts: Mounts;
  accounts: AdminAccounts;
  copies: StdCopies<string>;
  shimPath: string;
  /** See SetupTaskHost. */
  jobsAreOthers: boolean;
  shims: Shims;
  /** In the background, with everything in it. */
  remove(path: string): void;
  /** To the coordinator, when there is a session. */
  report(told: PreparationTold): void;
}

/** The loop of the node's preparation for its cluster: event → step → effects, in their order. Leases have their own: see engine.ts. */
export class Preparer {
  private state: PreparationState;
  private readonly record;
  private readonly task: SetupTask;
  private readonly queue: PreparationEvent[] = [];
  private draining = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly host: PreparerHost,
    private readonly log: Logger,
  ) {
    const { nodeName, boot, clock, folder, mountRoot, baseEnvironment, shimPath, jobsAreOthers, shims, copies } = host;
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    this.state = unprepared(nodeName, boot, clock.monotonic());
    this.record = recordFile(folder);
    this.task = new SetupTask(
      {
        ...{ folder, nodeName, shimPath, jobsAreOthers, shims, copies },
        places: { base: baseEnvironment, mountRoot },
        remove: (path) => host.remove(path),
        tell: (event) => this.post(event),
      },
      log,
    );
  }

  /** What an earlier agent has left is taken up. */
  start(): void {
    const record = this.record.read();
    this.post({ type: "found", record, process: record ? this.task.look(record.task.run) : "absent" });
  }

  order(message: SetMounts): void {
    this.post({ type: "ordered", plan: planOf(message) });
  }

  /** The coordinator has said, since this agent's start, what it wants. */
  get isTold(): boolean {
    return this.state.plan !== undefined;
  }

  told(): PreparationTold {
    return reportOf(this.state, this.host.clock.monotonic());
  }

  /** A setup task that runs goes on. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.task.close();
  }

  private post(event: PreparationEvent): void {
    if (this.closed) return;
    this.queue.push(event);
    if (this.draining) return;
    this.draining = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) this.take(next);
    } finally {
      this.draining = false;
    }
    this.setTimer();
  }

  private take(event: PreparationEvent): void {
    const { clock } = this.host;
    const { state, effects } = prepare(this.state, event, { instant: clock.now(), monotonic: clock.monotonic() });
    this.state = state;
    for (const effect of effects) {
      try {
        this.perform(effect);
      } catch (error) {
        this.log.error({ effect: effect.type, err: error }, "a step of the node's preparation failed");
        if (effect.type !== "record") throw error;
        this.queue.push({ type: "not-recorded", message: inWords(error) });
        // Nothing may be begun that could not be found again.
        if (effect.record?.task.state === "running") return;
      }
    }
  }

  private perform(effect: PreparationEffect): void {
    const { host, task } = this;
    switch (effect.type) {
      case "record":
        if (effect.record) this.record.write(effect.record);
        else this.record.remove();
        return;
      case "set-mounts": {
        const { turn, mounts } = effect;
        host.mounts.setCluster(host.mountRoot, [...mounts]).then(
          () => this.mounted(turn),
          (error: unknown) => this.mounted(turn, { code: "MountError", message: inWords(error), details: [] }),
        );
        return;
      }
      case "clear-accounts":
        this.account("accounts-cleared", effect.turn, host.accounts.clear(effect.keep));
        return;
      case "make-account":
        this.account("account-made", effect.turn, host.accounts.make(effect.id, effect.account));
        return;
      case "start-task":
        task.start(effect.run, effect.task);
        return;
      case "adopt-task":
        task.adopt(effect.run);
        return;
      case "follow-output":
        task.followAgain(effect.run, effect.task);
        return;
      case "end-task":
        task.end(effect.run, effect.graceMs);
        return;
      case "finish-output":
        task.finish(effect.run);
        return;
      case "note":
        this.log.info({ preparation: this.state.plan?.id }, effect.text);
        task.note(host.clock.now(), effect.text);
        return;
      case "report":
        host.report(this.told());
        return;
      default:
        unreachable(effect);
    }
  }

  private mounted(turn: number, broken?: Failure): void {
    const failure = this.host.mounts.clusterFailure();
    const fault = broken ?? (failure && { code: failure.code, message: failure.message, details: failure.details });
    this.post({ type: "mounted", turn, ...(fault ? { fault } : {}) });
  }

  private account(type: "accounts-cleared" | "account-made", turn: number, work: Promise<string | undefined>): void {
    work.then(
      (warning) => this.post({ type, turn, ...(warning === undefined ? {} : { warning }) }),
      (error: unknown) => {
        this.log.error({ err: error }, "the admin account could not be seen to");
        this.post({ type, turn, warning: `the admin account could not be seen to: ${inWords(error)}` });
      },
    );
  }

  private setTimer(): void {
    clearTimeout(this.timer);
    const next = nextPreparationTick(this.state);
    if (next === undefined || this.closed) return;
    const delayMs = Math.max(1, Math.ceil(next - this.host.clock.monotonic()));
    this.timer = setTimeout(() => this.post({ type: "tick" }), Math.min(delayMs, 2 ** 30));
  }
}

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error));
