import { describe, expect, it } from "vitest";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";
import { doing } from "./doing.js";
import type { LeaseEvent } from "./events.js";
import { exampleGrant } from "./example.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";

function begun(given: Partial<LeaseGrant>): LeaseRun {
  const grant = exampleGrant(given);
  const id = parseLeaseId(grant.leaseId);
  if (!id) throw new Error("not a lease id");
  return newRun(grant, id, 13_000, { phase: "waiting" });
}

/** After each event, what it is at and since when. */
function told(run: LeaseRun, ...events: LeaseEvent[]): string[] {
  let at = 0;
  let now = run;
  return events.map((event) => {
    at += 100;
    now = advance(now, event, { instant: at, monotonic: at }).run;
    return `${now.doingSince} ${doing(now)}`;
  });
}

describe("what a node is at for a lease", () => {
  it("is told for each step before its ranks and after them, since that step began", () => {
    const mounts = [{ $typeName: "stoker.v1.MountPlan" as const, relativeMountPath: "a", kind: { case: undefined } }];
    const run = begun({ jobMounts: mounts, stdDirectory: "/std", preparationCommandLine: "true" });
    const exit = { exitCode: 0, signal: 0, stdoutBytes: 0, stderrBytes: 0 };
    expect(
      told(
        run,
        { type: "turn-came" },
        { type: "renewed", until: 20_000 },
        { type: "step-finished", step: "local" },
        { type: "step-finished", step: "mounts" },
        { type: "step-finished", step: "directories" },
        { type: "preparation-exited", exit, errorTail: "" },
        { type: "rank-started", rank: 0, pid: 7 },
        { type: "rank-exited", rank: 0, exit, warnings: [] },
        { type: "copied" },
        { type: "unmounted" },
        { type: "logs-complete" },
      ),
    ).toEqual([
      "100 making room for it on this node",
      "100 making room for it on this node",
      "300 mounting volumes",
      "400 making its directories",
      "500 running the job preparation command",
      "600 ",
      "600 ",
      "800 copying the rest of its std files into its directory",
      "900 unmounting its volumes",
      "1000 delivering the rest of its logs",
      "1100 telling the coordinator that it is over",
    ]);
  });

  it("names a step that was given up and has not come to its end", () => {
    const stop: LeaseEvent = { type: "stop", reason: "", graceful: false };
    expect(told(begun({}), { type: "turn-came" }, stop)[1]).toBe("200 ending a step of its preparation");
  });
});
