import type { PushMetricExporter, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Logger } from "pino";
import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import { version } from "../../shared/version.js";
import { membersOf } from "../core/cluster.js";
import { counterSinkOf } from "../core/counters.js";
import type { State } from "../core/memory.js";
import { idOfCluster } from "../core/names.js";
import type { Cluster, Instant, Node } from "../core/state.js";
import { type Point, pointsOf } from "./points.js";

export interface CounterSinksOptions {
  state(): State;
  now(): Instant;
  /** The latest sample of the node, while it is connected. */
  telemetry(node: string): Telemetry | undefined;
  headers: Record<string, string>;
  /** PEM. */
  ca?: string;
  pushMs: number;
  log: Logger;
}

type Exporting = PushMetricExporter & { fails?: boolean };

const timeoutMs = 10_000;

/** Pushes the counters of nodes to the sinks of the clusters that have them, in OTLP. One that is away costs nothing but what it misses. */
export class CounterSinks {
  private timer: NodeJS.Timeout | undefined;
  private readonly exporters = new Map<string, Promise<Exporting>>();
  /** Endpoints that a push is on its way to. */
  private readonly busy = new Set<string>();

  constructor(private readonly options: CounterSinksOptions) {}

  start(): void {
    this.timer = setInterval(() => this.push(), this.options.pushMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private push(): void {
    const state = this.options.state();
    for (const cluster of state.clusters.values()) {
      const endpoint = counterSinkOf(state.settings, cluster)?.endpoint;
      // A slow one is left out, not waited for.
      if (endpoint === undefined || this.busy.has(`${endpoint} ${cluster.uuid}`)) continue;
      const all = [...membersOf(state, cluster)].flatMap((node) => this.metricsOf(state, cluster, node) ?? []);
      if (all.length > 0) void this.send(endpoint, cluster, all);
    }
  }

  private metricsOf(state: State, cluster: Cluster, node: Node): Sampled | undefined {
    const telemetry = this.options.telemetry(node.name);
    if (!telemetry) return undefined;
    const attributes = {
      "service.name": "stoker-node",
      "host.name": node.name,
      "host.id": node.uuid,
      "stoker.cluster.id": idOfCluster(state, cluster),
      "stoker.machine_class": node.inventory.machineClass,
    };
    return { attributes, points: pointsOf(telemetry, node.inventory.gpus) };
  }

  private async send(endpoint: string, cluster: Cluster, all: readonly Sampled[]): Promise<void> {
    const key = `${endpoint} ${cluster.uuid}`;
    this.busy.add(key);
    try {
      const exporter = await this.exporterOf(endpoint);
      const [{ resourceFromAttributes }, at] = [await import("@opentelemetry/resources"), this.options.now()];
      for (const { attributes, points } of all) {
        const error = await sent(exporter, resourceMetrics(resourceFromAttributes(attributes), points, at));
        this.tell(exporter, endpoint, error);
        if (error) return;
      }
    } finally {
      this.busy.delete(key);
    }
  }

  private exporterOf(endpoint: string): Promise<Exporting> {
    const known = this.exporters.get(endpoint);
    if (known !== undefined) return known;
    const { headers, ca } = this.options;
    const made = import("@opentelemetry/exporter-metrics-otlp-http").then(({ OTLPMetricExporter }) => {
      const url = new URL(endpoint);
      return new OTLPMetricExporter({
        ...{
          url: url.pathname === "/" ? new URL("/v1/metrics", url).href : url.href,
          headers,
          timeoutMillis: timeoutMs,
        },
        ...(ca === undefined ? {} : { httpAgentOptions: { ca } }),
      });
    });
    this.exporters.set(endpoint, made);
    return made;
  }

  /** When it begins to fail, and when it goes again. */
  private tell(exporter: Exporting, endpoint: string, error: Error | undefined): void {
    if ((error !== undefined) === (exporter.fails ?? false)) return;
    exporter.fails = error !== undefined;
    const facts = { host: new URL(endpoint).host, ...(error ? { reason: error.message } : {}) };
    if (error)
      this.options.log.warn(facts, "performance counters can't be sent; what is measured meanwhile is not sent later");
    else this.options.log.info(facts, "performance counters are sent again");
  }
}

interface Sampled {
  attributes: Record<string, string>;
  points: Point[];
}

const sent = (exporter: PushMetricExporter, metrics: ResourceMetrics) =>
  new Promise<Error | undefined>((resolve) =>
    exporter.export(metrics, ({ code, error }) => resolve(code === 0 ? undefined : (error ?? new Error("refused")))),
  );

/** DataPointType.GAUGE and AggregationTemporality.CUMULATIVE: the library is loaded only when something is sent. */
const [gauge, cumulative] = [2, 1];

function resourceMetrics(
  resource: ResourceMetrics["resource"],
  points: readonly Point[],
  at: Instant,
): ResourceMetrics {
  const time: [number, number] = [Math.floor(at / 1000), Math.round((at % 1000) * 1e6)];
  const byMetric = new Map<string, Point[]>();
  for (const point of points) byMetric.set(point.metric, [...(byMetric.get(point.metric) ?? []), point]);
  const metrics = [...byMetric].map(([name, same]) => ({
    descriptor: { name, description: "", unit: same[0]?.unit ?? "", type: "GAUGE", valueType: 1, advice: {} },
    ...{ aggregationTemporality: cumulative, dataPointType: gauge },
    dataPoints: same.map(({ attributes, value }) => ({ attributes, value, startTime: time, endTime: time })),
  }));
  return { resource, scopeMetrics: [{ scope: { name: "stoker", version }, metrics }] } as ResourceMetrics;
}
