import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, it } from "vitest";
import { bearer, plain } from "../../shared/credentials.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { connect } from "../../shared/grpc.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string };
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code: number; message?: string };
}
interface Gauge {
  name: string;
  unit: string;
  gauge: { dataPoints: Array<{ asDouble?: number; asInt?: number; attributes: Attribute[] }> };
}

/** A receiver of OTLP in JSON. */
class Collector {
  readonly spans: Span[] = [];
  readonly metrics: Array<{ host: string; metric: Gauge }> = [];
  readonly authorizations = new Set<string | undefined>();
  private readonly server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => {
      body += piece.toString();
    });
    request.on("end", () => {
      this.authorizations.add(request.headers.authorization);
      this.take(JSON.parse(body));
      response.setHeader("content-type", "application/json").end("{}");
    });
  });

  private take(body: {
    resourceSpans?: Array<{ scopeSpans: Array<{ spans: Span[] }> }>;
    resourceMetrics?: Array<{ resource: { attributes: Attribute[] }; scopeMetrics: Array<{ metrics: Gauge[] }> }>;
  }): void {
    for (const { scopeSpans } of body.resourceSpans ?? []) {
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
    for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
      const host = textOf(resource.attributes, "host.name");
      for (const { metrics } of scopeMetrics) this.metrics.push(...metrics.map((metric) => ({ host, metric })));
    }
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const textOf = (attributes: Attribute[], name: string) =>
  String(attributes.find(({ key }) => key === name)?.value.stringValue ?? "");

let coordinator: CoordinatorProcess;
let collector: Collector;
let url: string;
let folder: string;
const agents: FakeAgent[] = [];
beforeEach(async () => {
  coordinator = new CoordinatorProcess();
  collector = new Collector();
  url = await collector.listen();
  folder = mkdtempSync(join(tmpdir(), "stoker-traces-"));
});
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.close();
  collector.close();
  rmSync(folder, { recursive: true });
  await coordinator.dispose();
});

async function enrolled(more: object = {}): Promise<FakeAgent> {
  const agent = new FakeAgent(coordinator.address, coordinator.token);
  agents.push(agent);
  const inventory = { machineClass: "fake", cpus: 4, memoryBytes: 2n ** 33n, ...more };
  agent.send({
    case: "hello",
    value: { nodeName: "n1", address: "127.0.0.1", agentVersion: "fake", bootId: "boot-1", inventory },
  });
  await agent.hears("welcome");
  return agent;
}

/** Until the attempt is over. */
async function play(
  agent: FakeAgent,
  exitCode: number,
): Promise<{ leaseId: string; environment: Map<string, string> }> {
  const grant = await agent.hears("grant");
  const { leaseId } = grant;
  const say = (sequence: bigint, event: object) =>
    agent.send({ case: "report", value: { leaseId, sequence, event } } as Parameters<FakeAgent["send"]>[0]);
  const doing = { leaseId, step: "mounting volumes", stepSince: timestampFromMs(Date.now()) };
  agent.send({ case: "heartbeat", value: { sequence: 1n, leases: [doing] } });
  await agent.hears("heartbeatReply");
  say(1n, { case: "ready", value: {} });
  say(2n, { case: "rankExited", value: { rank: 0, exitCode } });
  say(3n, { case: "done", value: {} });
  const environment = new Map(grant.environment.map(({ name, value }) => [name, value]));
  return { leaseId, environment };
}

it("a job's life is one trace, within that of who submitted it, and over a restart of the coordinator", async () => {
  const headers = join(folder, "headers");
  writeFileSync(headers, "# for the collector\nauthorization: Bearer of-traces\n");
  const flags = ["--otlp-endpoint", url, "--otlp-headers-file", headers];
  await coordinator.start(flags);
  await coordinator.furnish();
  const metadata = bearer(coordinator.token);
  metadata.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const connection = connect(coordinator.address, plain(metadata));
  const spec = { ...tinyJob("false"), constraints: { maxWallClockTime: "PT1H" } };
  await connection.client(JobService).createJob({ ...inExperiment, name: "j", spec });
  connection.close();
  // It waits meanwhile, and its trace is not lost.
  await coordinator.end("SIGTERM");
  await coordinator.start(flags);
  const agent = await enrolled();
  const { environment } = await play(agent, 3);
  const root = await until("the job's span", () => collector.spans.find(({ name }) => name === "job j"));
  const attempt = await until("the attempt's span", () => collector.spans.find(({ name }) => name === "attempt 1"));
  const named = (name: string) => collector.spans.find((span) => span.name === name);
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set(["0af7651916cd43dd8448eb211c80319c"]));
  expect(root.parentSpanId).toBe("b7ad6b7169203331");
  expect(root.status).toMatchObject({ code: 2 });
  expect(textOf(root.attributes, "error.type")).toBe("JobFailed");
  expect(textOf(root.attributes, "stoker.job.id")).toBe("workspaces/w/experiments/e/jobs/j");
  const parents = { queued: root, "attempt 1": root, run: attempt, stop: attempt, "node n1": attempt };
  for (const [name, parent] of Object.entries(parents)) expect(named(name)?.parentSpanId, name).toBe(parent.spanId);
  expect(named("lease grant")?.parentSpanId).toBe(named("node n1")?.spanId);
  expect(named("mounting volumes")?.parentSpanId).toBe(named("prepare")?.spanId);
  expect(BigInt(named("queued")?.endTimeUnixNano ?? 0)).toBe(BigInt(attempt.startTimeUnixNano));
  expect(named("run")?.attributes).toContainEqual({ key: "process.exit.code", value: { intValue: 3 } });
  expect(environment.get("TRACEPARENT")).toBe(`00-${root.traceId}-${named("run")?.spanId}-01`);
  expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(collector.spans.length);
  expect(collector.authorizations).toEqual(new Set(["Bearer of-traces"]));
});

it("a receiver that is away holds up nothing, and without one no job is told of a trace", async () => {
  await coordinator.start(["--otlp-endpoint", "http://127.0.0.1:1"]);
  await coordinator.furnish();
  const agent = await enrolled();
  await coordinator.jobs.createJob({ ...inExperiment, name: "j", spec: tinyJob() });
  await play(agent, 0);
  await coordinator.end("SIGTERM");
  agent.close();
  await coordinator.start();
  const again = await enrolled();
  await coordinator.jobs.createJob({ ...inExperiment, name: "k", spec: tinyJob() });
  expect((await play(again, 0)).environment.has("TRACEPARENT")).toBe(false);
});

const component = "/subscriptions/s/resourceGroups/g/providers/microsoft.insights/components/lab-insights";
const insights = (id: string) => ({
  nodeSetup: {
    performanceCountersSettings: {
      appInsightsReference: { component: { id }, instrumentationKey: "INSTRUMENTATION-KEY" },
    },
  },
});

it("counters of a cluster's nodes go where its Application Insights component is mapped to", async () => {
  await coordinator.start(["--counter-sinks", `LAB-insights=${url}`, "--counter-seconds", "1"]);
  await coordinator.furnish();
  const clusters = coordinator.client(ClusterService);
  const scaleSettings = { manual: { targetNodeCount: 1 } };
  await clusters.deleteCluster({ id: "workspaces/w/clusters/c" });
  const make = (name: string, id: string) =>
    clusters.createCluster({ parent: "workspaces/w", name, spec: { vmSize: "any", scaleSettings, ...insights(id) } });
  const { cluster } = await make("seen", component);
  expect(cluster?.warnings).toEqual([]);
  expect(cluster?.spec?.nodeSetup?.performanceCountersSettings?.appInsightsReference?.instrumentationKey).toBe("");
  const unmapped = await make("unseen", component.replace("lab-", "other-"));
  expect(unmapped.cluster?.warnings).toEqual([expect.stringMatching(/--counter-sinks other-insights=http/)]);
  const gpu = { uuid: "GPU-1", index: 0, model: "Test", memoryBytes: 8n << 30n };
  const agent = await enrolled({ gpus: [gpu] });
  const host = {
    disks: [{ mountPoint: "/", sizeBytes: 100n, freeBytes: 40n }],
    interfaces: [{ name: "eth0", receivedBytesPerSecond: 10, sentBytesPerSecond: 20 }],
  };
  const gpus = [{ uuid: "GPU-1", utilizationPercent: 40, memoryUsedBytes: 2n << 30n, temperatureCelsius: 50 }];
  agent.send({
    case: "heartbeat",
    value: { sequence: 1n, telemetry: { cpuPercent: 30, memoryUsedBytes: 7n, gpus, host } },
  });
  await until("they come", () => collector.metrics.length > 0 || undefined);
  const values = (name: string) => {
    const found = collector.metrics.find(({ metric }) => metric.name === name);
    return found?.metric.gauge.dataPoints.map(({ asDouble, asInt }) => asDouble ?? asInt);
  };
  expect(new Set(collector.metrics.map(({ host: node }) => node))).toEqual(new Set(["n1"]));
  expect(values("system.cpu.utilization")).toEqual([0.3]);
  expect(values("system.memory.usage")).toEqual([7]);
  expect(values("system.filesystem.usage")).toEqual([60, 40]);
  expect(values("stoker.network.rate")).toEqual([10, 20]);
  expect(values("hw.gpu.utilization")).toEqual([0.4]);
  expect(values("hw.gpu.memory.usage")).toEqual([2 * 2 ** 30]);
  expect(values("hw.temperature")).toEqual([50]);
  expect(values("hw.power")).toBeUndefined();
  expect(JSON.stringify(collector.metrics)).not.toContain("INSTRUMENTATION-KEY");
});
