import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { AgentMetrics } from "../../agent/metrics/agent-metrics.js";
import type { AgentView } from "../../agent/metrics/view.js";
import { CoordinatorMetrics } from "../../coordinator/metrics/coordinator-metrics.js";
import type { CoordinatorView } from "../../coordinator/metrics/view.js";
import { GpuSchema, type Telemetry, TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { CoreWorld } from "../build.js";

/** A coordinator and an agent in the middle of work, and what they tell of it. */

const log = pino({ level: "silent" });
const gib = 2n ** 30n;

/** Two nodes with GPUs, of which `n1` runs a job, and a job that waits. */
export function exampleWorld(nodes = 2, gpus = 2): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: nodes } } });
  for (let number = 1; number <= nodes; number++) world.hello(`n${number}`, { gpus });
  world.submit("runs", { resources: { gpus } });
  world.submit("waits", { nodeCount: nodes });
  return world;
}

export function telemetryOf(node: string, gpus: number): Telemetry {
  return create(TelemetrySchema, {
    ...{ cpuPercent: 25, memoryUsedBytes: 3n * gib, load1: 1.5 },
    gpus: Array.from({ length: gpus }, (_, index) => ({
      ...{ uuid: `${node}-gpu-${index}`, utilizationPercent: 55, memoryUsedBytes: gib },
      ...{ temperatureCelsius: 61, powerWatts: 210.5 },
    })),
    host: {
      temperatureCelsius: 48,
      disks: [{ mountPoint: "/", sizeBytes: 100n * gib, freeBytes: 40n * gib }],
      interfaces: [
        { name: "eth0", receivedBytesPerSecond: 1e6, sentBytesPerSecond: 2e6, errors: 3n, linkMbps: 100_000n },
      ],
      nfsMounts: [
        { mountPoint: "/data", operationsPerSecond: 5, roundTripMs: 2, executionMs: 3, retransmissions: 1n },
        { mountPoint: "/var/lib/stoker-agent/job-mounts/j/data", operationsPerSecond: 5, retransmissions: 0n },
      ],
    },
  });
}

export function coordinatorView(world: CoreWorld, given: Partial<CoordinatorView> = {}): CoordinatorView {
  return {
    engine: { state: world.state, readOnly: undefined, backlog: 0, now: () => world.now },
    sessions: {
      telemetry: (node) => {
        const known = [...world.state.nodes.values()].find(({ name }) => name === node);
        return known && telemetryOf(node, known.inventory.gpus.length);
      },
      reaches: (node) => world.connected(node),
    },
    ...{ room: { low: undefined }, nats: { problem: undefined }, logBytes: 12_345 },
    deliveries: { waiting: 1, delivered: 20, failures: 3, givenUp: 1 },
    ...given,
  };
}

export const agentView = (given: Partial<AgentView> = {}): AgentView => ({
  ...{ leases: [], isConnected: true, watchdogProblem: "", mountsProblem: "", gpusProblem: "", diskLow: undefined },
  ...{ logsWaiting: undefined, telemetry: telemetryOf("n1", 1), gpuFaults: [] },
  gpus: [create(GpuSchema, { uuid: "n1-gpu-0", index: 0, model: 'A "100"', memoryBytes: 80n * gib })],
  smiRuns: { sample: { count: 3, seconds: 0.75, failures: new Map([["hangs", 1]]) } },
  kernelMessages: new Map([["xid", 2]]),
  ...given,
});

/** As it is scraped. */
export async function coordinatorText(view: CoordinatorView): Promise<string> {
  return scraped(new CoordinatorMetrics({ listen: "127.0.0.1:0", dataDir: "/", log }, () => view));
}

export async function agentText(view: AgentView, spool = "/nowhere"): Promise<string> {
  return scraped(new AgentMetrics({ listen: "127.0.0.1:0", dataDir: "/", spool, log }, () => view));
}

async function scraped(metrics: CoordinatorMetrics | AgentMetrics): Promise<string> {
  try {
    await metrics.listen();
    return await (await fetch(`http://${metrics.address}/metrics`)).text();
  } finally {
    metrics.close();
  }
}
