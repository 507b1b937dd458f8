import { afterEach, expect, test } from "vitest";
import { Fault } from "../../../shared/fault.js";
import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Job } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { CreateJobRequest } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { type Answers, FakeCoordinator, failed, makeJob, succeeded } from "../../testing/fake-coordinator.js";
import type { FakeWorld } from "../../testing/fake-world.js";
import { jobName } from "./job-name.js";
import { shellText } from "./shell-text.js";

let coordinator: FakeCoordinator;
afterEach(() => coordinator?.[Symbol.asyncDispose]());

/** A coordinator with one job that runs until `end` says how it ended. */
class OneJob {
  readonly created: CreateJobRequest[] = [];
  terminated = 0;
  /** Throws when it is refused. */
  refuseTermination: () => void = () => undefined;
  #job = makeJob();
  #ended: (job: Job) => void = () => undefined;
  readonly #end = new Promise<Job>((resolve) => {
    this.#ended = resolve;
  });

  end(job: Job): void {
    this.#job = job;
    this.#ended(job);
  }

  readonly answers: NonNullable<Answers["jobs"]> = {
    createJob: (request) => {
      this.created.push(request);
      this.#job = makeJob({
        id: `${request.parent}/jobs/${request.name}`,
        name: request.name,
        ...(request.spec ? { spec: request.spec } : {}),
      });
      return { job: this.#job };
    },
    getJob: () => ({ job: this.#job }),
    terminateJob: () => {
      this.refuseTermination();
      this.terminated += 1;
      this.end(failed(0, { executionInfo: { errors: [{ code: "JobTerminated", message: "by the user" }] } }));
      return { job: this.#job };
    },
    watchJob: async function* (this: void, _, { signal }) {
      yield { job: one.#job };
      yield { job: await Promise.race([one.#end, aborted(signal)]) };
    },
    streamLogs: async function* (this: void, _, { signal }) {
      yield { attempt: 1, rank: 0, stream: LogStream.STDOUT, data: Buffer.from("begun\n") };
      await Promise.race([one.#end, aborted(signal)]);
      yield { attempt: 1, rank: 0, stream: LogStream.STDOUT, offset: 6n, data: Buffer.from("ended\n"), complete: true };
    },
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Fault("unavailable", "gone"))));

let one: OneJob;

async function given(more: Answers = {}): Promise<FakeWorld> {
  one = new OneJob();
  coordinator = await FakeCoordinator.start({ jobs: one.answers, ...more });
  const world = coordinator.world();
  world.environment.STOKER_CLUSTER = "gpus";
  return world;
}

test("a run submits its command, prints its log and ends with its exit code", async () => {
  const world = await given();
  const code = world.run(
    "run",
    "-N",
    "2",
    "--gpus",
    "1",
    "--env",
    "A=b=c",
    "--",
    "python3",
    "train.py",
    "--name",
    "my run",
  );
  await world.until("begun");
  one.end(failed(5));
  expect(await code).toBe(5);
  expect(world.stdout).toBe("begun\nended\n");
  expect(world.stderr).toMatch(/^stoker: job train failed with exit code 5/);
  expect(one.created).toMatchObject([
    {
      parent: "workspaces/lab/experiments/first",
      name: expect.stringMatching(/^train-\w{6}$/),
      spec: {
        nodeCount: 2,
        cluster: { id: "workspaces/lab/clusters/gpus" },
        toolkit: { case: "customToolkitSettings", value: { commandLine: "python3 train.py --name 'my run'" } },
        resources: { gpus: 1, cpus: 1 },
        environmentVariables: [{ name: "A", value: "b=c" }],
      },
    },
  ]);
});

test.each([
  [["--mpi", "-n", "4"], { case: "customMpiSettings", value: { commandLine: "a | b", processCount: 4 } }],
  [
    ["--torch"],
    { case: "pyTorchSettings", value: { commandLine: "a | b", processCount: 0, communicationBackend: "Gloo" } },
  ],
])("%j chooses the toolkit", async (flags, toolkit) => {
  const world = await given();
  expect(await world.run("run", ...flags, "-d", "--name", "x", "--", "a | b")).toBe(0);
  expect(world.stdout).toBe("workspaces/lab/experiments/first/jobs/x\n");
  expect(one.created).toMatchObject([{ name: "x", spec: { toolkit } }]);
  expect(one.created[0]?.spec?.resources).toBeUndefined();
});

test("what nobody named is taken where there is only one; its experiment is made", async () => {
  const made: string[] = [];
  const world = await given({
    workspaces: { listWorkspaces: () => ({ workspaces: [{ id: "workspaces/w", name: "w" }] }) },
    clusters: {
      listClusters: ({ parent }) => ({ clusters: [{ id: `${parent}/clusters/c`, name: "c" }] }),
    },
    experiments: {
      createExperiment: ({ parent, name }) => {
        made.push(`${parent}/experiments/${name}`);
        return { experiment: {} };
      },
    },
  });
  for (const key of ["WORKSPACE", "EXPERIMENT", "CLUSTER"]) delete world.environment[`STOKER_${key}`];
  expect(await world.run("run", "-d", "--", "true")).toBe(0);
  expect(made).toEqual(["workspaces/w/experiments/run"]);
  expect(one.created).toMatchObject([
    { parent: "workspaces/w/experiments/run", spec: { cluster: { id: "workspaces/w/clusters/c" } } },
  ]);
});

test("where there are two clusters, or none, it asks which, or says how to make one", async () => {
  const clusters: Array<{ name: string }> = [{ name: "a" }, { name: "b" }];
  const world = await given({ clusters: { listClusters: () => ({ clusters }) } });
  delete world.environment.STOKER_CLUSTER;
  expect(await world.run("run", "--", "true")).toBe(2);
  expect(world.stderr).toMatch(/which cluster\? give it with -c.*: a, b\n/);
  clusters.length = 0;
  expect(await world.run("run", "--", "true")).toBe(2);
  expect(world.stderr).toMatch(/there is no cluster; make one: stoker cluster create -w lab/);
});

test("Ctrl-C without a terminal terminates the job", async () => {
  const world = await given();
  const code = world.run("run", "--name", "x", "--", "sleep 100");
  await world.until("begun");
  world.interrupt();
  expect(await code).toBe(130);
  expect(one.terminated).toBe(1);
  expect(world.stderr).toBe("stoker: terminating job x; Ctrl-C again leaves it to itself\n");
});

test("Ctrl-C on a terminal asks; no goes on, yes terminates", async () => {
  const world = await given();
  world.isInteractive = true;
  world.answers = ["n", "y"];
  const code = world.run("run", "--name", "x", "--", "sleep 100");
  await world.until("begun");
  world.interrupt();
  await expect.poll(() => world.questions).toEqual([expect.stringContaining("Terminate job x?")]);
  world.interrupt();
  expect(await code).toBe(130);
  expect(world.questions).toHaveLength(2);
  expect(one.terminated).toBe(1);
});

test("a second Ctrl-C leaves the job running and says how to come back", async () => {
  const world = await given();
  world.isInteractive = true;
  world.ask = (_: string, signal: AbortSignal) =>
    new Promise<string>((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const code = world.run("run", "--name", "x", "--", "sleep 100");
  await world.until("begun");
  world.interrupt();
  world.interrupt();
  expect(await code).toBe(130);
  expect(one.terminated).toBe(0);
  expect(world.stderr).toMatch(
    /goes on; stoker job logs -f -n workspaces\/lab\/experiments\/first\/jobs\/x follows it/,
  );
});

test("a terminate that fails is told, and the next Ctrl-C tries again", async () => {
  const world = await given();
  let tries = 0;
  one.refuseTermination = () => {
    tries += 1;
    if (tries === 1) throw new Fault("failed-precondition", "not now");
  };
  const code = world.run("run", "--name", "x", "--", "sleep 100");
  await world.until("begun");
  world.interrupt();
  await world.until("could not be terminated: not now");
  world.interrupt();
  expect(await code).toBe(130);
  expect(tries).toBe(2);
});

test("a run goes on over a crash of the coordinator", async () => {
  const world = await given();
  const code = world.run("run", "--", "true");
  await world.until("begun");
  coordinator.crash();
  await world.until("lost the coordinator");
  one.end(succeeded());
  await coordinator.resume();
  expect(await code).toBe(0);
  expect(world.stdout).toBe("begun\nended\n");
});

test.each([
  [["a | b"], "a | b"],
  [["echo", "a b", "it's", "$X", ""], "echo 'a b' 'it'\\''s' '$X' ''"],
  [["python3", "-c", "print(1)"], "python3 -c 'print(1)'"],
])("%j is the shell text %s", (words, text) => {
  expect(shellText(words)).toBe(text);
});

test.each([
  [["python3", "/x/train.py"], /^train-\w{6}$/],
  [["python3", "-m", "x"], /^python3-\w{6}$/],
  [["./run me.sh now"], /^run-\w{6}$/],
  [["|| true"], /^run-\w{6}$/],
])("%j names its job", (words, name) => {
  expect(jobName(words)).toMatch(name);
  expect(jobName(words)).not.toBe(jobName(words));
});
