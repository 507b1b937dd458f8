import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import type { LeaseEvent } from "./events.js";
import { exampleGrant } from "./example.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";

const container = { image: "i", serverUrl: "", username: "", password: "", shmSizeBytes: 0n, directories: [] };

function begun(given: Partial<LeaseGrant> = {}): LeaseRun {
  const grant = exampleGrant({ container: { $typeName: "stoker.v1.ContainerPlan", ...container }, ...given });
  const id = parseLeaseId(grant.leaseId);
  if (!id) throw new Error("not a lease id");
  return newRun(grant, id, 13_000, { phase: "waiting" });
}

/** The effects of these events, without notes and deadlines. */
function effects(run: LeaseRun, ...events: LeaseEvent[]): string[] {
  let now = run;
  return events.flatMap((event) => {
    const after = advance(now, event, { instant: 0, monotonic: 1_000 });
    now = after.run;
    return after.effects.flatMap((effect) => {
      if (/note|fence/.test(effect.type)) return [];
      return effect.type === "report" ? effect.report.event.type : effect.type;
    });
  });
}

const exit = { exitCode: 0, signal: 0, stdoutBytes: 0, stderrBytes: 0 };
const toContainer: LeaseEvent[] = [{ type: "turn-came" }, { type: "step-finished", step: "local" }];

describe("a lease with a container", () => {
  it("has it before preparation, and until its processes have ended", () => {
    const events: LeaseEvent[] = [
      ...toContainer,
      { type: "step-finished", step: "container" },
      { type: "preparation-exited", exit, errorTail: "" },
      { type: "rank-exited", rank: 0, exit },
      { type: "container-removed" },
    ];
    expect(effects(begun({ preparationCommandLine: "true" }), ...events)).toEqual([
      ...["prepare-local", "start-container", "start-preparation", "ready", "start-ranks", "rank-log-ended"],
      ...["rank-exited", "close-remote", "remove-container", "done"],
    ]);
  });

  it("that somebody removed fails, is killed, and is not missed twice or while it ends", () => {
    const gone: LeaseEvent = { type: "container-gone" };
    const ready: LeaseEvent[] = [...toContainer, { type: "step-finished", step: "container" }, { type: "start-ranks" }];
    const events: LeaseEvent[] = [...ready, { type: "rank-started", rank: 0, pid: 7 }, gone, gone];
    expect(effects(begun(), gone, ...events).slice(-4)).toEqual(["start-ranks", "failed", "close-remote", "kill"]);
  });

  it("fails with the runtime's words, ends what that left, and removes what there is of it", () => {
    const failure = { code: "FailedStartingContainer", message: "no such image", details: [] };
    const events: LeaseEvent[] = [
      ...toContainer,
      { type: "step-finished", step: "container", failure },
      { type: "remains-killed" },
      { type: "container-removed", warnings: ["it is in use"] },
    ];
    expect(effects(begun(), ...events)).toEqual([
      ...["prepare-local", "start-container", "failed", "close-remote", "kill-remains", "remove-container", "done"],
    ]);
  });

  it("stopped in the middle of a pull, waits for its end and removes what there is of it", () => {
    const failure = { code: "FailedStartingContainer", message: "called off", details: [] };
    const stop: LeaseEvent[] = [...toContainer, { type: "stop", reason: "", graceful: true }];
    expect(effects(begun(), ...stop).slice(2)).toEqual(["close-remote", "abort-step"]);
    const after: LeaseEvent[] = [{ type: "step-finished", step: "container", failure }, { type: "remains-killed" }];
    expect(effects(begun(), ...stop, ...after).slice(4)).toEqual(["kill-remains", "remove-container"]);
  });
});
