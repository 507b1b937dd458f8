import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { freeBytes } from "../../shared/metrics/disk.js";
import { MetricsEndpoint } from "../../shared/metrics/endpoint.js";
import { type Family, render } from "../../shared/metrics/family.js";
import { processRegistry } from "../../shared/metrics/process-metrics.js";
import { CommitMetrics } from "./commits.js";
import { clusterGpuFamilies } from "./gpus.js";
import { jobFamilies } from "./jobs.js";
import { nodeFamilies } from "./nodes.js";
import { selfFamilies } from "./self.js";
import type { CoordinatorView } from "./view.js";

export interface CoordinatorMetricsOptions {
  /** `host:port`; "" for none, which costs nothing. */
  listen: string;
  dataDir: string;
  log: Logger;
}

/** All that is read from the state of this moment. */
export const families = (view: CoordinatorView, free: number | undefined): Family[] => [
  ...selfFamilies(view, free),
  ...nodeFamilies(view),
  ...clusterGpuFamilies(view),
  ...jobFamilies(view),
];

/** What Prometheus may ask of the coordinator. */
export class CoordinatorMetrics {
  private readonly registry: Registry | undefined;
  private readonly endpoint: MetricsEndpoint | undefined;

  /** Throws a Fault when the address is none. */
  constructor(
    private readonly options: CoordinatorMetricsOptions,
    private readonly view: () => CoordinatorView,
  ) {
    const { listen, log } = options;
    if (listen === "") return;
    this.endpoint = new MetricsEndpoint(listen, () => this.scrape(), log);
    this.registry = processRegistry();
  }

  /** The rows of the catalog, watched if somebody is to know. */
  watch: CommitMetrics["watch"] = (rows) => (this.registry ? new CommitMetrics(this.registry).watch(rows) : rows);

  async listen(): Promise<void> {
    await this.endpoint?.listen();
  }

  close(): void {
    this.endpoint?.close();
    this.registry?.clear();
  }

  async scrape(): Promise<string> {
    const free = await freeBytes(this.options.dataDir);
    return render(families(this.view(), free)) + ((await this.registry?.metrics()) ?? "");
  }
}
