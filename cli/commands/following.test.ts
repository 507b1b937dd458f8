import { afterEach, expect, test } from "vitest";
import { Fault } from "../../shared/fault.js";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import type { StreamLogsRequest } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { type Answers, FakeCoordinator, failed, makeJob, succeeded } from "../testing/fake-coordinator.js";
import type { FakeWorld } from "../testing/fake-world.js";

let coordinator: FakeCoordinator;
afterEach(() => coordinator[Symbol.asyncDispose]());

async function given(jobs: NonNullable<Answers["jobs"]>): Promise<FakeWorld> {
  coordinator = await FakeCoordinator.start({ jobs });
  return coordinator.world();
}

/** Resolves when the caller is gone, as a handler that has nothing to say waits. */
const gone = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

const { STDOUT, STDERR } = LogStream;
const piece = (text: string, offset = 0, more: object = {}) => ({
  attempt: 1,
  rank: 0,
  stream: STDOUT,
  offset: BigInt(offset),
  data: Buffer.from(text),
  ...more,
});

test.each([
  ["a success", succeeded(), 0, ""],
  [
    "a failure",
    failed(7),
    7,
    "stoker: job train failed with exit code 7: JobFailed: Job failed with non-zero exit code\n",
  ],
  ["a failed mount", failed(-1), 255, /exit code -1/],
  ["a code that a process cannot have", failed(256), 1, /exit code 256/],
])("job wait ends with the code of %s", async (_, job, code, told) => {
  const world = await given({
    async *watchJob() {
      yield { job: makeJob() };
      yield { job };
    },
  });
  expect(await world.run("job", "wait", "-n", "train")).toBe(code);
  if (typeof told === "string") expect(world.stderr).toBe(told);
  else expect(world.stderr).toMatch(told);
});

test("job wait of a terminated job, which has no exit code, is no success", async () => {
  const ended = failed(0, { executionInfo: { errors: [{ code: "JobTerminated", message: "by the user" }] } });
  const world = await given({
    async *watchJob() {
      yield { job: ended };
    },
  });
  expect(await world.run("job", "wait", "-n", "train")).toBe(1);
  expect(world.stderr).toBe("stoker: job train failed: JobTerminated: by the user\n");
});

test("job wait tells progress only on a terminal", async () => {
  const world = await given({
    async *watchJob() {
      yield { job: makeJob() };
      yield { job: makeJob() };
      yield { job: succeeded() };
    },
  });
  world.isInteractive = true;
  expect(await world.run("job", "wait", "-n", "train")).toBe(0);
  expect(world.stderr).toBe("stoker: running, attempt 1 on m1\n");
});

test("job wait goes on after a crash of the coordinator, and says so", async () => {
  let calls = 0;
  const world = await given({
    async *watchJob(_, { signal }) {
      calls += 1;
      yield { job: calls === 1 ? makeJob() : succeeded() };
      await gone(signal);
    },
  });
  world.isInteractive = true;
  const code = world.run("job", "wait", "-n", "train");
  await world.until("running");
  coordinator.crash();
  await world.until("lost the coordinator");
  await coordinator.resume();
  expect(await code).toBe(0);
  expect(world.stderr).toMatch(/is back\n/);
});

test("a stream that the coordinator closes in its stop is opened again", async () => {
  let calls = 0;
  const world = await given({
    async *watchJob() {
      calls += 1;
      yield { job: calls === 3 ? failed(3) : makeJob() };
    },
  });
  expect(await world.run("job", "wait", "-n", "train")).toBe(3);
  expect(calls).toBe(3);
});

test("job wait for a job that is not there, or is deleted meanwhile, does not wait", async () => {
  let calls = 0;
  const world = await given({
    async *watchJob() {
      calls += 1;
      if (calls > 1) throw new Fault("not-found", "there is no such job");
      yield { job: makeJob() };
    },
  });
  expect(await world.run("job", "wait", "-n", "train")).toBe(4);
});

test("job watch prints each change once", async () => {
  let calls = 0;
  const world = await given({
    async *watchJob() {
      calls += 1;
      yield { job: makeJob() };
      if (calls === 1) throw new Fault("unavailable", "restart");
      yield { job: succeeded() };
    },
  });
  expect(await world.run("job", "watch", "-n", "train", "-o", "json")).toBe(0);
  const states = world.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).executionState);
  expect(states).toEqual(["running", "succeeded"]);
});

const withLog = (
  job: Job | (() => Job),
  streamLogs: NonNullable<NonNullable<Answers["jobs"]>["streamLogs"]>,
): NonNullable<Answers["jobs"]> => ({
  getJob: () => ({ job: typeof job === "function" ? job() : job }),
  streamLogs,
});

test("job logs of one rank are its bytes, each stream where it belongs", async () => {
  const world = await given(
    withLog(succeeded(), async function* () {
      yield piece("out\n");
      yield piece("err", 0, { stream: STDERR });
      yield piece("more", 4);
    }),
  );
  expect(await world.run("job", "logs", "-n", "train")).toBe(0);
  expect(world.stdout).toBe("out\nmore");
  expect(world.stderr).toBe("err");
});

test("logs -f tells what is suspected of the job, once when it begins and once when it is over", async () => {
  const at = { seconds: 100n, nanos: 0 };
  const found = { kind: "idle", rule: "idle", attempt: 1, noticedTime: at, message: "2 GPUs are held and not used" };
  const over = new AbortController();
  const world = await given({
    getJob: () => ({ job: over.signal.aborted ? succeeded() : makeJob() }),
    async *streamLogs() {
      yield piece("one\n");
      if (!over.signal.aborted) await gone(over.signal);
      yield piece("", 4, { complete: true });
    },
    async *watchJob() {
      yield { job: makeJob() };
      yield { job: makeJob({ findings: [found] }) };
      yield { job: makeJob({ findings: [found] }) };
      yield { job: makeJob({ findings: [{ ...found, endTime: { seconds: 200n, nanos: 0 } }] }) };
      over.abort();
      yield { job: succeeded() };
    },
  });
  expect(await world.run("job", "logs", "-n", "train", "-f")).toBe(0);
  expect(world.stdout).toBe("one\n");
  expect(world.stderr).toBe(
    "stoker: 2 GPUs are held and not used\nstoker: no longer so: 2 GPUs are held and not used\n",
  );
});

test("with several ranks whole lines are marked by their rank", async () => {
  const two = succeeded({ attempts: [{ number: 1, rankCount: 2, state: "succeeded" }] });
  const world = await given(
    withLog(two, async function* () {
      yield piece("a", 0);
      yield piece("x\ny\n", 0, { rank: 1 });
      yield piece("b\nlast", 1);
      yield piece("", 7, { complete: true });
      yield piece("open", 4, { rank: 1 });
    }),
  );
  expect(await world.run("job", "logs", "-n", "train")).toBe(0);
  expect(world.stdout).toBe("[1] x\n[1] y\n[0] ab\n[0] last\n[1] open\n");
  const one = coordinator.world();
  await one.run("job", "logs", "-n", "train", "--rank", "0");
  expect(one.stdout).not.toMatch(/\[/);
});

test("flags of job logs are what is asked for", async () => {
  const asked: StreamLogsRequest[] = [];
  const world = await given(
    withLog(succeeded(), async function* (request) {
      asked.push(request);
      yield piece("tail", 9, { stream: STDERR });
    }),
  );
  expect(await world.run("job", "logs", "-n", "train", "--stream", "stderr", "--offset", "11")).toBe(0);
  expect(world.stderr).toBe("il");
  await coordinator.world().run("job", "logs", "-n", "train", "--attempt", "1", "--rank", "3");
  expect(asked).toMatchObject([
    { attempt: 1, rank: 0, stream: STDERR, offset: 11n, follow: false },
    { attempt: 1, rank: 3, stream: 0, offset: 0n },
  ]);
});

test("logs -f over a crash: no byte twice, none left out, and what came in between", async () => {
  let calls = 0;
  let job = makeJob();
  const world = await given(
    withLog(
      () => job,
      async function* (_, { signal }) {
        calls += 1;
        if (calls === 1) {
          yield piece("one\ntw");
          await gone(signal);
          return;
        }
        yield piece("one\ntwo\n");
        yield piece("three\n", 8);
        job = succeeded();
        yield piece("", 14, { complete: true });
      },
    ),
  );
  const code = world.run("job", "logs", "-n", "train", "-f");
  await world.until("one\ntw");
  coordinator.crash();
  await world.until("lost the coordinator");
  await coordinator.resume();
  expect(await code).toBe(0);
  expect(world.stdout).toBe("one\ntwo\nthree\n");
  expect(calls).toBe(2);
});

test("logs -f of one stream goes on from its offset", async () => {
  const offsets: bigint[] = [];
  let job = makeJob();
  const world = await given(
    withLog(
      () => job,
      async function* ({ offset }) {
        offsets.push(offset);
        yield piece("12345", Number(offset));
        if (offsets.length === 1) throw new Fault("unavailable", "restart");
        job = succeeded();
        yield piece("", Number(offset) + 5, { complete: true });
      },
    ),
  );
  const flags = ["--attempt", "1", "--rank", "0", "--stream", "stdout"];
  expect(await world.run("job", "logs", "-n", "train", "-f", ...flags)).toBe(0);
  expect(offsets).toEqual([0n, 5n]);
  expect(world.stdout).toBe("1234512345");
});

test("attempts that began while the coordinator was away are told from their beginnings", async () => {
  const asked: Array<[number, boolean]> = [];
  let job = makeJob();
  const world = await given(
    withLog(
      () => job,
      async function* ({ attempt, follow }) {
        asked.push([attempt, follow]);
        if (asked.length === 1) {
          yield piece("first ");
          job = makeJob({ attempt: 3 });
          throw new Fault("unavailable", "restart");
        }
        if (attempt === 1) yield piece("first end\n");
        if (attempt === 2) yield piece("second\n", 0, { attempt: 2 });
        if (attempt !== 0) return;
        job = succeeded({ attempt: 3 });
        yield piece("third\n", 0, { attempt: 3, complete: true });
      },
    ),
  );
  expect(await world.run("job", "logs", "-n", "train", "-f")).toBe(0);
  expect(world.stdout).toBe("first end\nsecond\nthird\n");
  expect(world.stderr).toMatch(/attempt 2 begins\nstoker: attempt 3 begins\n/);
  expect(asked).toEqual([
    [0, true],
    [1, false],
    [2, false],
    [0, true],
  ]);
});

test("logs -f ends with the job and not with a stream that the coordinator closed", async () => {
  let calls = 0;
  let job = makeJob();
  const world = await given(
    withLog(
      () => job,
      async function* () {
        calls += 1;
        yield piece("begun\n");
        if (calls < 3) return;
        // It ends right behind the last look at it: what it wrote meanwhile needs one more reading.
        job = succeeded();
        if (calls === 4) yield piece("ended\n", 6, { complete: true });
      },
    ),
  );
  expect(await world.run("job", "logs", "-n", "train", "-f")).toBe(0);
  expect(world.stdout).toBe("begun\nended\n");
});

test("job explain gives the reasons with their nodes and holders", async () => {
  const world = await given({
    explainJob: () => ({
      job: makeJob({ executionState: 1 }),
      summary: "no node has 2 free GPUs",
      queuePosition: 1,
      reasons: [
        { check: "gpus", message: "2 needed, 1 free", nodes: ["m1", "m2"], heldBy: ["workspaces/lab/…/jobs/x"] },
      ],
    }),
  });
  expect(await world.run("job", "explain", "-n", "train")).toBe(0);
  expect(world.stdout).toBe(
    "train is queued: no node has 2 free GPUs\n1 job goes before it\n- gpus: 2 needed, 1 free\n    nodes: m1, m2\n    held by: workspaces/lab/…/jobs/x\n",
  );
  const json = coordinator.world();
  await json.run("job", "explain", "-n", "train", "-o", "json");
  expect(JSON.parse(json.stdout)).toMatchObject({
    executionState: "queued",
    queuePosition: 1,
    reasons: [{ check: "gpus" }],
  });
});

test("a coordinator that is away from the start is not waited for", async () => {
  const world = await given({});
  coordinator.crash();
  expect(await world.run("job", "wait", "-n", "train")).toBe(3);
});
