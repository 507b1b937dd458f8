import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogStream } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { ExecutionState, type Job } from "../shared/gen/stoker/v1/job_pb.js";
import { FakeCoordinator, failed, makeJob } from "./testing/fake-coordinator.js";

const program = resolve(import.meta.dirname, "../dist/stoker.js");

let job: Job;
let ended: (job: Job) => void;
let coordinator: FakeCoordinator;
/** Values of secrets. */
let given: string[];

beforeEach(async () => {
  job = makeJob();
  const end = new Promise<Job>((resolve) => {
    ended = resolve;
  });
  given = [];
  coordinator = await FakeCoordinator.start({
    secrets: {
      setSecret: ({ name, value }) => {
        given.push(value);
        return { secret: { name } };
      },
    },
    jobs: {
      createJob: () => ({ job }),
      getJob: () => ({ job }),
      terminateJob: () => {
        job = makeJob({ executionState: ExecutionState.FAILED, executionInfo: { errors: [] } });
        ended(job);
        return { job };
      },
      async *watchJob() {
        yield { job };
        yield { job: await end };
      },
      async *streamLogs({ follow }) {
        yield { attempt: 1, stream: LogStream.STDOUT, data: Buffer.alloc(follow ? 8 : 4 << 20, "begun\n") };
        if (follow) await end;
        yield { attempt: 1, stream: LogStream.STDOUT, offset: 8n, complete: true };
      },
    },
  });
});
afterEach(() => coordinator[Symbol.asyncDispose]());

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(words: string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [program, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      ...coordinator.world().environment,
      STOKER_CLUSTER: "c",
      ...environment,
    },
  });
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

const stoker = (words: string[], environment?: NodeJS.ProcessEnv) => outcomeOf(start(words, environment));

test("version and help", async () => {
  expect(await stoker(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: "",
  });
  expect(await stoker(["--help"])).toMatchObject({ code: 0, stdout: expect.stringContaining("Example:"), stderr: "" });
});

test("exit codes tell mistakes apart, each in one line", async () => {
  const outcomes = await Promise.all([
    stoker(["node", "list", "--colour"]),
    stoker(["job", "create", "-n", "x", "-f", "/no/such.json"]),
    stoker(["node", "list", "--coordinator", "127.0.0.1:1"]),
    stoker(["node", "list"], { STOKER_TOKEN: "wrong" }),
    stoker(["node", "show", "-n", "m9"]),
  ]);
  expect(outcomes.map(({ code }) => code)).toEqual([2, 2, 3, 3, 4]);
  for (const { stdout, stderr } of outcomes) {
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^stoker: [^\n]+\n$/);
  }
});

test("wait and run end with the job's code", async () => {
  const wait = stoker(["job", "wait", "-n", "train"]);
  const run = stoker(["run", "--", "true"]);
  job = failed(42);
  ended(job);
  expect((await wait).code).toBe(42);
  const { code, stdout } = await run;
  expect({ code, stdout }).toEqual({ code: 42, stdout: "begun\nbe" });
});

test("Ctrl-C in a run terminates the job", async () => {
  const child = start(["run", "--name", "x", "--", "sleep 100"]);
  const outcome = outcomeOf(child);
  await once(child.stdout ?? child, "data");
  child.kill("SIGINT");
  expect(await outcome).toMatchObject({ code: 130, stderr: expect.stringContaining("terminating job x") });
});

test("a reader that leaves, as head does, is no failure", async () => {
  const child = start(["job", "logs", "-n", "train"]);
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout?.once("data", () => child.stdout?.destroy());
  const [code] = (await once(child, "exit")) as [number];
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("a secret that is typed on a terminal is not shown there", async () => {
  const command = `${process.execPath} ${program} secret set key`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...coordinator.world().environment },
  });
  let shown = "";
  child.stdout.on("data", (bytes: Buffer) => {
    shown += bytes.toString();
    if (shown.endsWith("Value of key: ")) child.stdin.write("hunter2\r");
  });
  await once(child, "close");
  expect(given).toEqual(["hunter2"]);
  expect(shown).not.toContain("hunter2");
});
