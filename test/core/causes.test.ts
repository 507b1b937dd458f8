import { beforeEach, expect, it } from "vitest";
import { jobView } from "../../coordinator/api/views/job.js";
import { CoreWorld, ready } from "../build.js";

let world: CoreWorld;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.hello("a");
  world.hello("b");
  world.submit("j", {});
});

const sentence = "GPU 3 (GPU-1f) fell off the bus, Xid 79, 14:02:11 UTC";

/** Where it runs, its only rank dies of that; then that node has nothing left of it. */
function dies(diagnosis: { faultClass: string; sentence: string; proven: boolean }): string {
  const state = world.job("j")?.state;
  if (!state || !("lease" in state)) throw new Error("it has no lease");
  const node = state.lease.shares[0]?.nodeName ?? "";
  world.report(node, state.lease.id, ready);
  world.report(node, state.lease.id, { case: "rankExited", value: { rank: 0, exitCode: 1, diagnosis } });
  world.report(node, state.lease.id, { case: "done", value: {} });
  return node;
}

function now() {
  const job = world.job("j");
  if (!job) throw new Error("there is no such job");
  return job;
}

const reason = () => jobView(world.state, now()).attempts?.[0]?.reason;

it("what the machine proves to be its own fault is tried on another one, and uses up no retry", () => {
  const node = dies({ faultClass: "gpu", sentence, proven: true });
  const { state, retries } = now();
  expect(reason()).toBe(`rank 0 ended with exit code 1 on node ${node}: ${sentence}`);
  expect(retries).toBe(0);
  expect("lease" in state && state.lease.shares[0]?.nodeName).toBe(node === "a" ? "b" : "a");
});

it.each([
  ["a program's words alone", { faultClass: "gpu", sentence, proven: false }],
  ["the program's own fault", { faultClass: "user", sentence, proven: true }],
])("%s end the job, and are told", (_, diagnosis) => {
  dies(diagnosis);
  const { state } = now();
  const errors = state.kind === "finished" && "errors" in state.outcome ? state.outcome.errors : [];
  expect(errors).toEqual([
    {
      code: "JobFailed",
      message: "Job failed with non-zero exit code",
      details: [
        { name: "rank", value: "0" },
        { name: "cause", value: sentence },
        { name: "faultClass", value: diagnosis.faultClass },
      ],
    },
  ]);
});

it("a class that this coordinator does not know is none", () => {
  dies({ faultClass: "weather", sentence, proven: true });
  expect(reason()).toBe("rank 0 ended with exit code 1");
});
