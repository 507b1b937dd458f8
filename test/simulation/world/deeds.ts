import type { Effect } from "../../../agent/core/effects.js";
import type { Found, FoundProcess, LeaseEvent, RankExit } from "../../../agent/core/events.js";
import type { LeaseRun, PreparingStep } from "../../../agent/core/lease-state.js";
import { reportMessage } from "../../../agent/link/messages.js";
import type { LeaseId } from "../../../shared/ids.js";
import type { AgentHost } from "./agent-host.js";
import type { Exit, Leased } from "./leased.js";
import type { Program } from "./program.js";
import { Signals } from "./signals.js";

/** What an agent's effects do to its machine: as perform.ts and the adapters behind it, with their delays and failures. */
export class Deeds {
  private readonly signals: Signals;
  private readonly aborts = new Map<LeaseId, () => void>();
  private readonly logsEnded = new Map<LeaseId, Set<number>>();

  constructor(
    private readonly agent: AgentHost,
    private readonly tell: (lease: LeaseId, event: LeaseEvent) => void,
  ) {
    this.signals = new Signals(agent.machine);
  }

  died(): void {
    this.signals.died();
  }

  find(run: LeaseRun, sameBoot: boolean): Found {
    const folders = this.machine.leased(run.id)?.folders;
    const look = (name: string): FoundProcess =>
      folders?.has(name) ? { state: "started", pid: 1000 } : { state: "absent" };
    return {
      sameBoot,
      preparation: look("preparation"),
      ranks: new Map(run.grant.ranks.map(({ rank }) => [rank, look(nameOf(rank))])),
    };
  }

  perform(run: LeaseRun, effect: Effect): void {
    switch (effect.type) {
      case "prepare-local":
        this.machine.open(run.grant).spool = true;
        this.step(run, "local", this.random.span(1, 20));
        return;
      case "mount":
        this.machine.open(run.grant).mounted = true;
        this.step(run, "mounts", this.programOf(run).stepMs);
        return;
      case "make-directories":
        this.step(run, "directories", this.programOf(run).stepMs);
        return;
      case "abort-step":
        this.aborts.get(run.id)?.();
        return;
      case "start-preparation":
        this.startPreparation(run);
        return;
      case "adopt-preparation":
        this.watchPreparation(run);
        return;
      case "start-ranks":
        for (const rank of effect.ranks) this.startRank(run, rank);
        return;
      case "adopt-ranks":
        for (const rank of effect.ranks) this.watchRank(run, rank);
        return;
      case "terminate":
        this.machine.leased(run.id)?.terminate();
        return;
      case "kill":
        this.signals.give(run.id);
        return;
      case "kill-remains":
        this.signals.give(run.id, () => this.tell(run.id, { type: "remains-killed" }));
        return;
      case "fence":
        this.machine.fence(run.id, { boot: this.machine.boot, until: effect.until, policy: run.grant.onLeaseLoss });
        return;
      case "unfence":
        this.machine.fence(run.id, undefined);
        return;
      case "finish-copies":
        this.after(this.random.span(1, 2_000), () => this.tell(run.id, { type: "copied" }));
        return;
      case "unmount":
        this.after(this.random.span(1, 3_000), () => {
          const leased = this.machine.leased(run.id);
          if (leased) leased.mounted = false;
          this.tell(run.id, { type: "unmounted" });
        });
        return;
      case "rank-log-ended":
        this.rankLogEnded(run, effect.rank);
        return;
      case "report":
        if (effect.report.event.type === "done") this.checkNothingLeft(run);
        this.agent.report(reportMessage(run.id, effect.report));
        return;
      case "forget":
        this.forget(run);
        return;
      default:
        // Texts for people, copies of logs, and what only remote starts need.
        return;
    }
  }

  private get machine() {
    return this.agent.machine;
  }

  private get random() {
    return this.machine.random;
  }

  private programOf(run: LeaseRun): Program {
    return this.machine.world.programOf(run.grant.jobId);
  }

  private after(ms: number, run: () => void) {
    return this.agent.process.after(ms, "deed", run);
  }

  private step(run: LeaseRun, step: PreparingStep, tookMs: number): void {
    const ended = (code?: string) => {
      this.aborts.delete(run.id);
      const failure = { code: code ?? "", message: `${step} failed`, details: [] };
      this.tell(
        run.id,
        code === undefined ? { type: "step-finished", step } : { type: "step-finished", step, failure },
      );
    };
    const planned = this.after(tookMs, () => {
      if (this.machine.ledger.full && step === "local") ended("JobNodePreparationFailed");
      else if (this.machine.filerGone && step === "mounts") ended("NFSMountError");
      else ended();
    });
    this.aborts.set(run.id, () => {
      planned.cancelled = true;
      this.after(this.random.span(1, 1_000), () => ended("JobNodePreparationFailed"));
    });
  }

  private startPreparation(run: LeaseRun): void {
    const program = this.programOf(run);
    const { preparationMs, preparationExitCode: exitCode } = program;
    this.spawn(run, "preparation", preparationMs, { ...program, exitCode }, (leased) => {
      if (leased) this.watchPreparation(run);
      else {
        const failure = { code: "JobPreparationFailed", message: "no space left", details: [] };
        this.tell(run.id, { type: "step-finished", step: "preparation", failure });
      }
    });
  }

  private startRank(run: LeaseRun, rank: number): void {
    const program = this.programOf(run);
    const name = nameOf(rank);
    this.spawn(run, name, program.durationMs, program, (leased) => {
      if (!leased) {
        this.tell(run.id, { type: "rank-not-started", rank, message: "no space left on device" });
        return;
      }
      this.tell(run.id, { type: "rank-started", rank, pid: 1000 + rank });
      this.watchRank(run, rank);
    });
  }

  /** The folder at once; the process a moment later, by a helper that outlives the agent. */
  private spawn(
    run: LeaseRun,
    name: string,
    ms: number,
    program: Program,
    then: (leased: Leased | undefined) => void,
  ): void {
    const { machine } = this;
    const { world, boot } = machine;
    const lease = machine.open(run.grant);
    if (machine.ledger.full || lease.folders.has(name)) {
      this.after(1, () => then(undefined));
      return;
    }
    lease.folders.add(name);
    const leased = lease.add(name, ms, program);
    world.timeline.after(this.random.span(1, 30), `${machine.name} starts ${name} of ${run.id}`, () => {
      if (!machine.powered || machine.boot !== boot || leased.state !== "starting") return;
      world.truth.started(run.id, name === "preparation" ? `${name} on ${machine.name}` : name, machine.name);
      lease.begin(leased);
      if (program.strays) lease.begin(lease.add(`stray of ${name}`, undefined, program));
      machine.checkRoom();
      this.agent.process.take(() => then(leased));
    });
  }

  private watchRank(run: LeaseRun, rank: number): void {
    this.watch(run, nameOf(rank), (exit) => this.tell(run.id, { type: "rank-exited", rank, exit }));
  }

  private watchPreparation(run: LeaseRun): void {
    this.watch(run, "preparation", (exit) => this.tell(run.id, { type: "preparation-exited", exit, errorTail: "" }));
  }

  private watch(run: LeaseRun, name: string, ended: (exit: RankExit) => void): void {
    const lease = this.machine.leased(run.id);
    const leased = lease?.all.get(name);
    const { process } = this.agent;
    const say = (exit: Exit) => {
      const { exitCode, signal, stdoutBytes, lost } = exit;
      const told = { exitCode, signal, stdoutBytes, stderrBytes: 0 };
      const tell = () => ended(lost === undefined ? told : { ...told, lost });
      // What no shim answers for any more could go on writing.
      if (lost === undefined) process.after(this.random.span(1, 40), "exit seen", tell);
      else process.after(this.random.span(100, 2_000), "exit seen", () => this.signals.give(run.id, tell));
    };
    if (!leased) {
      const lost = { exitCode: 137, signal: 9, stdoutBytes: 0, lost: "it was never seen to start" };
      process.after(5_000, "shim not found", () => say(lost));
    } else if (leased.exit) say(leased.exit);
    else
      leased.whenEnded.push((exit) => {
        if (process.alive) say(exit);
      });
  }

  /** Logs are complete when all that the ranks wrote is stored with the coordinator. */
  private rankLogEnded(run: LeaseRun, rank: number): void {
    const ended = this.logsEnded.get(run.id) ?? new Set();
    this.logsEnded.set(run.id, ended.add(rank));
    if (!run.grant.ranks.every((one) => ended.has(one.rank))) return;
    const stored = () => {
      if (this.agent.connected) this.tell(run.id, { type: "logs-complete" });
      else this.after(1_000, stored);
    };
    this.after(this.random.span(5, 500), stored);
  }

  /** The last word of a lease: then nothing of it runs here, and nothing is mounted. */
  private checkNothingLeft({ id }: LeaseRun): void {
    const leased = this.machine.leased(id);
    const living = [...(leased?.all.values() ?? [])].filter(({ state }) => state !== "ended");
    const { truth } = this.machine.world;
    for (const { name } of living) {
      truth.breach("nothing left behind", `${this.machine.name} says that ${id} is done, but ${name} is there`);
    }
    if (leased?.mounted)
      truth.breach("nothing left behind", `a volume of ${id} is still mounted on ${this.machine.name}`);
  }

  private forget(run: LeaseRun): void {
    this.signals.forget(run.id);
    this.checkNothingLeft(run);
    this.agent.removeEntry(run.id);
    this.machine.leases.delete(run.id);
    this.machine.fences.delete(run.id);
    this.logsEnded.delete(run.id);
  }
}

export const nameOf = (rank: number) => `rank ${rank}`;
