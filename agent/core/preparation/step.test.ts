import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdminAccountPlanSchema, SetupTaskPlanSchema } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { MountPlanSchema } from "../../../shared/gen/stoker/v1/mount_pb.js";
import { reportOf } from "./report.js";
import {
  nextPreparationTick,
  type PreparationEffect,
  type PreparationEvent,
  type PreparationPlan,
  type PreparationRecord,
  type PreparationState,
  unprepared,
} from "./state.js";
import { prepare } from "./step.js";

const task = create(SetupTaskPlanSchema, {
  commandLine: "install",
  secrets: [{ name: "PASSWORD", value: "hunter2" }],
  limitMs: 60_000n,
  graceMs: 100n,
});
const volume = create(MountPlanSchema, { relativeMountPath: "nfs" });

const plan = (id: string, given: Partial<PreparationPlan> = {}): PreparationPlan => ({
  ...{ id, mounts: id === "" ? [] : [volume], account: undefined },
  ...(id === "" ? { task: undefined, digest: "" } : { task, digest: "d" }),
  ...given,
});

/** An agent's preparation, on a disk that the next agent finds. */
class Agent {
  state: PreparationState;
  now = 1_000;
  /** Names of effects, with what matters of them, since last asked. */
  private done: string[] = [];
  /** What the next agent did with what it found. */
  left: string[] = [];
  readonly disk: { record: PreparationRecord | undefined } = { record: undefined };

  constructor(readonly boot = "boot-1") {
    this.state = unprepared("n1", boot, this.now);
  }

  restart(boot = this.boot, process: "absent" | "live" | "ended" = "live"): Agent {
    const next = new Agent(boot);
    next.now = this.now + 1_000;
    next.disk.record = this.disk.record;
    const { record } = this.disk;
    const left = record?.task.state === "succeeded" ? "ended" : process;
    this.left = next.tell({ type: "found", record, process: left });
    return next;
  }

  tell(event: PreparationEvent): string[] {
    this.now += 1;
    const { state, effects } = prepare(this.state, event, { instant: this.now, monotonic: this.now });
    this.state = state;
    this.done = effects.flatMap((effect) => this.perform(effect));
    return this.done;
  }

  order(given: PreparationPlan): string[] {
    return this.tell({ type: "ordered", plan: given });
  }

  mounted(fault?: string): string[] {
    const failure = fault === undefined ? {} : { fault: { code: "NFSMountError", message: fault, details: [] } };
    return this.tell({ type: "mounted", turn: this.state.turn, ...failure });
  }

  cleared(): string[] {
    return this.tell({ type: "accounts-cleared", turn: this.state.turn });
  }

  ended(exitCode: number, given: { errorTail?: string; signal?: number; lost?: string } = {}): string[] {
    const run = this.state.record?.task.run ?? "";
    return this.tell({ type: "task-ended", run, end: { exitCode, signal: 0, errorTail: "", ...given } });
  }

  get told() {
    return reportOf(this.state, this.now);
  }

  private perform(effect: PreparationEffect): string[] {
    if (effect.type === "record") this.disk.record = effect.record;
    switch (effect.type) {
      case "record":
        return [`record ${effect.record?.task.state ?? "nothing"}`];
      case "note":
      case "report":
        return [];
      case "set-mounts":
        return [`mount ${effect.mounts.length}`];
      case "clear-accounts":
        return [`clear accounts but ${effect.keep || "none"}`];
      default:
        return [effect.type];
    }
  }
}

/** As far as the task, which runs. */
function running(id = "c.1.0"): Agent {
  const agent = new Agent();
  agent.order(plan(id));
  agent.cleared();
  agent.mounted();
  return agent;
}

function ready(id = "c.1.0"): Agent {
  const agent = running(id);
  agent.ended(0);
  return agent;
}

describe("a membership", () => {
  it("is mounted, given its account and set up, in this order, and then ready", () => {
    const agent = new Agent();
    expect(agent.told).toMatchObject({ id: "", state: "preparing" });
    const account = create(AdminAccountPlanSchema, { name: "ann" });
    expect(agent.order(plan("c.1.0", { account }))).toEqual(["clear accounts but ann"]);
    expect(agent.cleared()).toEqual(["mount 1"]);
    expect(agent.told).toMatchObject({ id: "c.1.0", state: "preparing", doing: "mounting 1 volume" });
    expect(agent.mounted()).toEqual(["make-account"]);
    expect(agent.told.doing).toBe("making the account ann");
    expect(agent.tell({ type: "account-made", turn: agent.state.turn, warning: "not allowed" })).toEqual([
      "record running",
      "start-task",
    ]);
    agent.now += 40_000;
    expect(agent.told).toMatchObject({
      state: "preparing",
      doing: "running the setup task",
      warnings: ["not allowed"],
    });
    expect(agent.told.ageMs).toBeGreaterThanOrEqual(40_000);
    expect(agent.ended(0)).toEqual(["finish-output", "record succeeded"]);
    expect(agent.told).toMatchObject({ state: "ready", warnings: ["not allowed"] });
  });

  it("of a cluster without mounts and task is ready at once", () => {
    const agent = new Agent();
    agent.order(plan("c.1.0", { mounts: [], task: undefined, digest: "" }));
    agent.cleared();
    agent.mounted();
    expect(agent.told.state).toBe("ready");
  });

  it("is not done again when it is told again, or to a later agent", () => {
    const agent = ready();
    expect(agent.order(plan("c.1.0"))).toEqual(["mount 1"]);
    expect(agent.mounted()).toEqual([]);
    const next = agent.restart();
    expect(next.order(plan("c.1.0"))).toEqual(["mount 1"]);
    expect(next.mounted()).toEqual([]);
    expect(next.told.state).toBe("ready");
  });

  it.each([
    ["after a reboot", ready().restart("boot-2"), plan("c.1.0")],
    ["when the cluster was deleted and made again, or the node told to try again", ready().restart(), plan("c.1.1")],
    ["when the task is another one", ready().restart(), plan("c.1.0", { digest: "e" })],
  ])("is done again %s", (_, agent, again) => {
    agent.order(again);
    agent.cleared();
    expect(agent.mounted()).toEqual(["record running", "start-task"]);
  });

  it("that ends takes its task, its mounts and its account with it", () => {
    const agent = running();
    expect(agent.order(plan(""))).toEqual(["end-task"]);
    expect(agent.told).toMatchObject({ state: "preparing", doing: "ending an earlier setup task" });
    expect(agent.ended(137, { signal: 9 })).toEqual(["finish-output", "record nothing", "clear accounts but none"]);
    expect(agent.cleared()).toEqual(["mount 0"]);
    agent.mounted();
    expect(agent.told).toMatchObject({ id: "", state: "ready" });
  });

  it("that follows another waits for the end of that one's task: never two at once", () => {
    const agent = running();
    expect(agent.order(plan("d.2.0"))).toEqual(["end-task"]);
    expect(agent.order(plan("e.3.0"))).toEqual([]);
    expect(agent.cleared()).toEqual([]);
    expect(agent.ended(0)).toEqual(["finish-output", "record nothing", "clear accounts but none"]);
    agent.cleared();
    expect(agent.mounted()).toEqual(["record running", "start-task"]);
    expect(agent.disk.record?.id).toBe("e.3.0");
  });
});

describe("a setup task", () => {
  it.each([
    [{ exitCode: 3, errorTail: "no such package" }, "it ended with exit code 3", "no such package"],
    [{ exitCode: 137, signal: 9 }, "it was ended by signal 9", undefined],
    [{ exitCode: 137, signal: 9, lost: "the shim was killed" }, "its end is not known: the shim was killed", undefined],
    [{ exitCode: 1, errorTail: "login with hunter2 failed" }, "exit code 1", "login with *** failed"],
  ])("that fails makes the node unusable, and says how: %o", ({ exitCode, ...given }, message, words) => {
    const agent = running();
    agent.ended(exitCode, given);
    const { state, fault } = agent.told;
    expect(state).toBe("failed");
    expect(fault).toMatchObject({ code: "SetupTaskFailed", message: expect.stringContaining(message) });
    expect(fault?.details).toContainEqual({ name: "Node", value: "n1" });
    expect(fault?.details.find(({ name }) => name === "Stderr")?.value).toBe(words);
    const next = agent.restart();
    next.order(plan("c.1.0"));
    next.mounted();
    expect(next.told.fault).toEqual(fault);
  });

  it("has a limit, which is counted over restarts of the agent", () => {
    const first = running();
    const deadline = nextPreparationTick(first.state);
    const agent = first.restart();
    expect(nextPreparationTick(agent.state)).toBe(deadline);
    agent.order(plan("c.1.0"));
    agent.mounted();
    expect(agent.told).toMatchObject({ state: "preparing", doing: "running the setup task" });
    agent.now = (deadline ?? 0) - 2;
    expect(agent.tell({ type: "tick" })).toEqual([]);
    agent.now = deadline ?? 0;
    expect(agent.tell({ type: "tick" })).toEqual(["end-task", "record failed"]);
    expect(agent.told.fault?.message).toContain("took longer than 60 s");
    // The agent is killed before it has seen the end: no other task begins before that.
    const next = agent.restart();
    expect(agent.left).toEqual(["adopt-task", "end-task"]);
    expect(next.order(plan("c.1.1"))).toEqual([]);
    expect(next.ended(137, { signal: 9 })).toEqual(["finish-output", "record nothing", "clear accounts but none"]);
    agent.ended(137, { signal: 9 });
    expect(agent.told.fault?.message).toContain("took longer than 60 s");
  });

  it("that runs is found by the next agent, which waits for it", () => {
    const agent = running().restart();
    expect(agent.order(plan("c.1.0"))).toEqual(["follow-output", "mount 1"]);
    expect(agent.mounted()).toEqual([]);
    expect(agent.ended(0)).toEqual(["finish-output", "record succeeded"]);
    expect(agent.told.state).toBe("ready");
  });

  it("that ended while nobody looked is judged when the plan comes, which knows its secrets", () => {
    const agent = running().restart();
    expect(agent.ended(1, { errorTail: "hunter2!" })).toEqual([]);
    expect(JSON.stringify(agent.disk)).not.toContain("hunter2");
    agent.order(plan("c.1.0"));
    agent.mounted();
    expect(agent.told.state).toBe("failed");
    expect(JSON.stringify([agent.told, agent.disk])).not.toContain("hunter2");
  });

  it("that was recorded and never begun is begun", () => {
    const agent = running().restart("boot-1", "absent");
    agent.order(plan("c.1.0"));
    agent.cleared();
    expect(agent.mounted()).toEqual(["record running", "start-task"]);
  });

  it("that could not be written down is not begun, and tried again by itself", () => {
    const agent = running();
    agent.tell({ type: "not-recorded", message: "no space left on device" });
    expect(agent.told).toMatchObject({ state: "failed", fault: { message: expect.stringContaining("no space left") } });
    agent.now = nextPreparationTick(agent.state) ?? 0;
    expect(agent.tell({ type: "tick" })).toEqual(["record running", "start-task"]);
  });

  it("whose end could not be written down has ended all the same", () => {
    const agent = ready();
    agent.tell({ type: "not-recorded", message: "no space left on device" });
    expect(agent.told.state).toBe("ready");
  });
});

it("tries volumes again until they are mounted, tells the fault meanwhile, and begins nothing else", () => {
  const agent = new Agent();
  agent.order(plan("c.1.0"));
  agent.cleared();
  expect(agent.mounted("no route to host")).toEqual([]);
  expect(agent.told).toMatchObject({ state: "failed", fault: { code: "NFSMountError", message: "no route to host" } });
  agent.now = nextPreparationTick(agent.state) ?? 0;
  expect(agent.tell({ type: "tick" })).toEqual(["mount 1"]);
  expect(agent.told.state).toBe("failed");
  expect(agent.mounted()).toEqual(["record running", "start-task"]);
});

it("never has two tasks at once, and never one without its record, whatever happens", () => {
  const event = fc.oneof(
    fc.record({ do: fc.constant("order" as const), id: fc.constantFrom("", "c.1.0", "c.1.1", "d.2.0") }),
    fc.record({ do: fc.constantFrom("mounted", "cleared", "made", "ended", "tick", "agent", "reboot") }),
    fc.record({ do: fc.constantFrom("mount-failed", "task-failed") }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let agent = new Agent();
      let live: string | undefined;
      const watch = (effects: string[]) => {
        for (const effect of effects) {
          if (effect !== "start-task") continue;
          expect(live).toBeUndefined();
          live = agent.disk.record?.task.run;
          expect(agent.disk.record?.task.state).toBe("running");
        }
      };
      const end = (exitCode: number) => {
        if (live === undefined) return;
        const run = live;
        live = undefined;
        watch(agent.tell({ type: "task-ended", run, end: { exitCode, signal: 0, errorTail: "" } }));
      };
      for (const each of events) {
        if (each.do === "order") watch(agent.order(plan("id" in each ? each.id : "")));
        else if (each.do === "mounted") watch(agent.mounted());
        else if (each.do === "mount-failed") watch(agent.mounted("gone"));
        else if (each.do === "cleared") watch(agent.cleared());
        else if (each.do === "made") watch(agent.tell({ type: "account-made", turn: agent.state.turn }));
        else if (each.do === "ended") end(0);
        else if (each.do === "task-failed") end(1);
        else if (each.do === "tick") {
          agent.now = nextPreparationTick(agent.state) ?? agent.now;
          watch(agent.tell({ type: "tick" }));
        } else if (each.do === "agent") agent = agent.restart(agent.boot, live === undefined ? "ended" : "live");
        else {
          live = undefined;
          agent = agent.restart(`${agent.boot}+`);
        }
      }
      const { state } = agent.told;
      if (state === "ready" && agent.state.plan?.task) expect(agent.disk.record?.task.state).toBe("succeeded");
    }),
    { numRuns: 500 },
  );
});
