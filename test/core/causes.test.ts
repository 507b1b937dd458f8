import { beforeEach, expect, it } from "vitest";
import { jobView } from "../../coordinator/api/views/job.js";
import { CoreWorld, done, ready } from "../build.js";

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

/** Its launcher on the first node fails after a rank of its died on the second. */
function rankOfOtherNodeDies(diagnosis: { faultClass: string; sentence: string; proven: boolean }): string {
  world.submit("mpi", {
    nodeCount: 2,
    toolkit: { case: "customMpiSettings", value: { commandLine: "train", processCount: 2 } },
  });
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/j" });
  const before = world.job("j")?.state;
  if (before && "lease" in before) world.report(before.lease.shares[0]?.nodeName ?? "", before.lease.id, done);
  const state = world.job("mpi")?.state;
  if (!state || !("lease" in state)) throw new Error("it has no lease");
  const [first = "", second = ""] = state.lease.shares.map(({ nodeName }) => nodeName);
  for (const node of [first, second]) world.report(node, state.lease.id, ready);
  world.report(first, state.lease.id, { case: "rankExited", value: { rank: 0, exitCode: 137 } });
  world.report(first, state.lease.id, done);
  const deaths = [{ pid: 42, processName: "python3", rank: 1, diagnosis }];
  world.report(second, state.lease.id, { case: "done", value: { deaths } });
  return second;
}

it("a rank of MPI that its launcher lost on another node is explained by that node", () => {
  const node = rankOfOtherNodeDies({
    faultClass: "user",
    sentence: "it used memory that is not its own",
    proven: false,
  });
  const { state } = world.job("mpi") ?? {};
  const attempt = world.state.attempts.get(world.job("mpi")?.uuid as never)?.[0];
  expect(attempt?.reason).toBe(
    `rank 0 ended with exit code 137; on node ${node}, rank 1 (process 42, python3): it used memory that is not its own`,
  );
  expect(state).toMatchObject({ kind: "finished", outcome: { kind: "failed", exitCode: 137 } });
  const details = state?.kind === "finished" ? state.outcome.errors[0]?.details : [];
  expect(details).toContainEqual({ name: "rank", value: "1" });
});

it("what that node proves to be its own fault is tried elsewhere, and uses up no retry", () => {
  const node = rankOfOtherNodeDies({ faultClass: "node", sentence: "the machine ran out of memory", proven: true });
  const job = world.job("mpi");
  expect(job).toMatchObject({ retries: 0, machineFaults: 1 });
  expect(job?.state.kind).not.toBe("finished");
  expect(job?.avoid).toEqual([[...world.state.nodes.values()].find(({ name }) => name === node)?.uuid]);
  const attempt = world.state.attempts.get(job?.uuid as never)?.[0];
  expect(attempt?.reason).toContain(`on node ${node}, rank 1 (process 42, python3): the machine ran out of memory`);
});
