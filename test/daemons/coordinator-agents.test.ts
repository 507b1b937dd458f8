import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { ExecutionState } from "../../shared/gen/stoker/v1/job_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { publishLog } from "../fakes/publish-log.js";
import { until } from "../fakes/until.js";

let coordinator: CoordinatorProcess;
let agents: FakeAgent[];
beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  agents = [];
  await coordinator.start();
  await coordinator.furnish();
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await coordinator.dispose();
});

function newAgent(token = coordinator.token): FakeAgent {
  const agent = new FakeAgent(coordinator.address, token);
  agents.push(agent);
  return agent;
}

async function enrolled(name: string): Promise<FakeAgent> {
  const agent = newAgent();
  agent.hello(name);
  await agent.hears("welcome");
  return agent;
}

/** Plays an agent through a one-node job; returns the lease. */
async function runToExit(agent: FakeAgent, exitCode: number, stdoutBytes: number): Promise<string> {
  const { leaseId } = await agent.hears("grant");
  agent.send({ case: "report", value: { leaseId, sequence: 1n, event: { case: "ready", value: {} } } });
  agent.send({
    case: "report",
    value: { leaseId, sequence: 2n, event: { case: "rankStarted", value: { rank: 0, pid: 1 } } },
  });
  const exited = { rank: 0, exitCode, stdoutBytes: BigInt(stdoutBytes) };
  agent.send({ case: "report", value: { leaseId, sequence: 3n, event: { case: "rankExited", value: exited } } });
  agent.send({ case: "report", value: { leaseId, sequence: 4n, event: { case: "done", value: {} } } });
  await agent.hears("reportAck", ({ sequence }) => sequence === 4n);
  return leaseId;
}

describe("the coordinator and its agents", () => {
  it("runs a job: grant, reports, acknowledgement, end, told to a watcher as it happens", async () => {
    const agent = await enrolled("n1");
    const { job } = await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob() });
    const states: ExecutionState[] = [];
    const watching = (async () => {
      for await (const change of coordinator.jobs.watchJob({ id: job?.id ?? "" })) {
        states.push(change.job?.executionState ?? ExecutionState.UNSPECIFIED);
      }
    })();
    await runToExit(agent, 3, 0);
    await watching;
    expect(states.at(-1)).toBe(ExecutionState.FAILED);
    const ended = await coordinator.jobs.getJob({ id: job?.id ?? "" });
    expect(ended.job?.executionInfo).toMatchObject({ exitCode: 3, errors: [{ code: "JobFailed" }] });
    expect(ended.job?.attempts).toMatchObject([{ number: 1, state: "failed", nodes: [{ name: "n1" }] }]);
  });

  it("stores logs that come by NATS, serves them while they come, and says when they are complete", async () => {
    const agent = await enrolled("n1");
    const { natsUrl, natsToken } = await agent.hears("welcome");
    const { job } = await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob() });
    const { leaseId } = await agent.hears("grant");
    let text = "";
    const completed: LogStream[] = [];
    const following = (async () => {
      for await (const part of coordinator.jobs.streamLogs({ id: job?.id ?? "", follow: true })) {
        text += Buffer.from(part.data).toString();
        if (part.complete) completed.push(part.stream);
      }
    })();
    await publishLog({ natsUrl, natsToken, node: "n1", leaseId, offset: 0, text: "hello " });
    await until("the first bytes are followed", () => text === "hello ");
    const stored = await agent.hears("logsStored", ({ offset }) => offset === 6n);
    expect(stored).toMatchObject({ leaseId, rank: 0, stream: LogStream.STDOUT });
    await runToExit(agent, 0, 12);
    await publishLog({ natsUrl, natsToken, node: "n1", leaseId, offset: 6, text: "world\n" });
    await following;
    expect(text).toBe("hello world\n");
    expect(completed.sort()).toEqual([LogStream.STDOUT, LogStream.STDERR]);

    await coordinator.end("SIGKILL");
    await coordinator.start();
    let later = "";
    for await (const part of coordinator.jobs.streamLogs({ id: job?.id ?? "" }))
      later += Buffer.from(part.data).toString();
    expect(later).toBe("hello world\n");
  });

  it("says what is missing of a finished job's logs, and where it is, until it comes", async () => {
    const agent = await enrolled("n1");
    const { natsUrl, natsToken } = await agent.hears("welcome");
    const { job } = await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob() });
    const id = job?.id ?? "";
    const { leaseId } = await agent.hears("grant");
    await publishLog({ natsUrl, natsToken, node: "n1", leaseId, offset: 0, text: "hello " });
    await agent.hears("logsStored", ({ offset }) => offset === 6n);
    await runToExit(agent, 0, 12);
    const since = timestampFromMs(Date.now() - 60_000);
    const logsWaiting = { since, reason: "NATS can't be reached", bytes: 6n };
    agent.send({ case: "heartbeat", value: { sequence: 1n, telemetry: { logsWaiting } } });
    await agent.hears("heartbeatReply");

    const told: Array<{ incomplete: boolean; complete: boolean; expected: number; text: string }> = [];
    for await (const part of coordinator.jobs.streamLogs({ id, stream: LogStream.STDOUT })) {
      const { incomplete, complete, expectedBytes, data, message } = part;
      told.push({
        incomplete,
        complete,
        expected: Number(expectedBytes),
        text: Buffer.from(data).toString() || message,
      });
    }
    const since8601 = timestampDate(since).toISOString();
    expect(told).toEqual([
      { incomplete: false, complete: false, expected: 0, text: "hello " },
      {
        ...{ incomplete: true, complete: false, expected: 12 },
        text: `the rest waits in the spool of node n1 since ${since8601}: NATS can't be reached`,
      },
    ]);
    const { job: seen } = await coordinator.jobs.getJob({ id });
    expect(seen?.attempts[0]?.logs).toMatchObject({ storedBytes: 6n, expectedBytes: 12n, complete: false });
    expect(seen?.attempts[0]?.logs?.message).toContain("6 bytes are not here yet; they wait in the spool of node n1");

    // A follower is told too, and gets the rest when it comes.
    const marks: string[] = [];
    const following = (async () => {
      for await (const part of coordinator.jobs.streamLogs({ id, stream: LogStream.STDOUT, follow: true })) {
        marks.push(part.incomplete ? "incomplete" : Buffer.from(part.data).toString());
        if (part.complete) marks.push("complete");
      }
    })();
    await until("the follower hears of it", () => marks.includes("incomplete"), 30_000);
    await publishLog({ natsUrl, natsToken, node: "n1", leaseId, offset: 6, text: "world\n" });
    await following;
    expect(marks).toEqual(["hello ", "incomplete", "world\n", "complete"]);
    const whole = await vi.waitFor(async () => {
      const { job: later } = await coordinator.jobs.getJob({ id });
      expect(later?.attempts[0]?.logs?.complete).toBe(true);
      return later?.attempts[0]?.logs;
    }, 10_000);
    expect(whole).toMatchObject({ storedBytes: 12n, expectedBytes: 12n, message: "" });
  });

  it("refuses what is no agent, logs it, and goes on", async () => {
    const stranger = newAgent("wrong");
    stranger.hello("n1");
    await until("the stranger is refused", () => stranger.ended?.includes("token"));

    const rude = newAgent();
    rude.heartbeat();
    await until("the rude one is refused", () => rude.ended?.includes("hello"));

    const nameless = newAgent();
    nameless.hello("no such/name\n");
    await until("the nameless one is refused", () => nameless.ended);
    expect((await coordinator.client(NodeService).listNodes({})).nodes).toEqual([]);

    const liar = await enrolled("n1");
    const leaseId = "6f9619ff-8b86-4011-b42d-00c04fc964ff.1";
    liar.send({ case: "report", value: { leaseId: "nonsense", sequence: 1n, event: { case: "done", value: {} } } });
    liar.send({ case: "report", value: { leaseId, sequence: -7n, event: { case: undefined } } });
    liar.send({ case: "remoteStart", value: { requestId: "r", leaseId, target: "n1", commandLine: "true" } });
    expect(await liar.hears("remoteExit")).toMatchObject({ exitCode: 255 });
    liar.heartbeat();
    await liar.hears("heartbeatReply");
    expect(coordinator.output).toContain("not believed");
  });

  it("lets the newer of two streams speak for a node", async () => {
    const first = await enrolled("n1");
    const second = await enrolled("n1");
    await until("the former stream is ended", () => first.ended);
    second.heartbeat();
    await second.hears("heartbeatReply");
    const { nodes } = await coordinator.client(NodeService).listNodes({});
    expect(nodes).toMatchObject([{ name: "n1", telemetry: { load1: 0.5 } }]);
  });

  it("tells agents to reach NATS on the host by which they reached it", async () => {
    const agent = await enrolled("n1");
    expect((await agent.hears("welcome")).natsUrl).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
  });
});
