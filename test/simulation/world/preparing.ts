import { reportOf } from "../../../agent/core/preparation/report.js";
import {
  nextPreparationTick,
  type PreparationEffect,
  type PreparationEvent,
  type PreparationState,
  unprepared,
} from "../../../agent/core/preparation/state.js";
import { prepare } from "../../../agent/core/preparation/step.js";
import { preparationMessage } from "../../../agent/link/messages.js";
import { planOf } from "../../../agent/setup/plan.js";
import { unreachable } from "../../../shared/assert.js";
import type { SetMounts } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { AgentHost } from "./agent-host.js";

/** Local milliseconds. */
const longestStepMs = 50;
const longestTaskMs = 4_000;

/** The agent's real preparation of its node, on a simulated machine: its record is on the disk, its setup task among the processes. */
export class Preparing {
  private state: PreparationState;
  private readonly random;

  constructor(private readonly host: AgentHost) {
    const { machine } = host;
    this.random = machine.setup.random;
    this.state = unprepared(machine.name, machine.boot, machine.clock.monotonic());
  }

  get isSettled(): boolean {
    return this.state.step.kind === "ready" || this.state.step.kind === "free";
  }

  /** Once what an earlier agent has left is there to be looked at. */
  begin(): void {
    const { record, task } = this.host.machine.setup;
    const process = !task || task.run !== record?.task.run ? "absent" : task.ended ? "ended" : "live";
    this.post({ type: "found", record, process });
  }

  order(message: SetMounts): void {
    this.post({ type: "ordered", plan: planOf(message) });
  }

  welcomed(): void {
    if (this.state.plan) this.report();
  }

  private post(event: PreparationEvent): void {
    const { machine } = this.host;
    const now = { instant: machine.clock.now(), monotonic: machine.clock.monotonic() };
    const { state, effects } = prepare(this.state, event, now);
    this.state = state;
    for (const effect of effects) {
      if (effect.type === "record" && machine.ledger.full) {
        this.later("its disk is full", 1, { type: "not-recorded", message: "no space left" });
        if (effect.record?.task.state === "running") break;
      } else this.perform(effect);
    }
    const next = nextPreparationTick(state);
    if (next === undefined) return;
    this.host.process.after(Math.max(1, next - now.monotonic), "prepare", () => this.post({ type: "tick" }), true);
  }

  private perform(effect: PreparationEffect): void {
    const { machine } = this.host;
    switch (effect.type) {
      case "record":
        machine.setup.record = effect.record;
        return;
      case "set-mounts":
        this.later("mounted", this.random.int(1, longestStepMs), { type: "mounted", turn: effect.turn });
        return;
      case "clear-accounts":
        this.later("accounts", this.random.int(1, longestStepMs), { type: "accounts-cleared", turn: effect.turn });
        return;
      case "make-account":
        this.later("account", this.random.int(1, longestStepMs), { type: "account-made", turn: effect.turn });
        return;
      case "start-task":
        this.start(effect.run);
        return;
      case "adopt-task":
        machine.setup.look(effect.run, (end) => this.take({ type: "task-ended", run: effect.run, end }));
        return;
      case "end-task":
        machine.setup.end(effect.run);
        return;
      case "report":
        this.report();
        return;
      case "note":
      case "follow-output":
      case "finish-output":
        return;
      default:
        unreachable(effect);
    }
  }

  private start(run: string): void {
    const { machine } = this.host;
    machine.world.seen(machine.name, () => `runs setup task ${run}`);
    machine.setup.start(run, this.random.int(1, longestTaskMs));
    machine.setup.look(run, (end) => this.take({ type: "task-ended", run, end }));
  }

  private take(event: PreparationEvent): void {
    this.host.process.take(() => this.post(event));
  }

  private later(what: string, ms: number, event: PreparationEvent): void {
    this.host.process.after(ms, what, () => this.post(event));
  }

  private report(): void {
    this.host.report(preparationMessage(reportOf(this.state, this.host.machine.clock.monotonic())));
  }
}
