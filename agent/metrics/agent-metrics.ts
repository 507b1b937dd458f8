import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { freeBytes } from "../../shared/metrics/disk.js";
import { MetricsEndpoint } from "../../shared/metrics/endpoint.js";
import { type Family, render } from "../../shared/metrics/family.js";
import { nodeGpuFamilies } from "./gpus.js";
import { leaseFamilies } from "./leases.js";
import { selfFamilies } from "./self.js";
import { bytesOnDisk } from "./spool-bytes.js";
import type { AgentView, Disk } from "./view.js";

/** All that is read from the state of this moment. */
export const families = (view: AgentView, disk: Disk, now: number): Family[] => [
  ...selfFamilies(view, disk),
  ...leaseFamilies(view, disk, now),
  ...nodeGpuFamilies(view),
];

export interface AgentMetricsOptions {
  /** `host:port`; "" for none, which costs nothing. */
  listen: string;
  dataDir: string;
  spool: string;
  log: Logger;
}

/** What Prometheus may ask of an agent whose owner wants it. */
export class AgentMetrics {
  private readonly endpoint: MetricsEndpoint | undefined;
  private registry: Registry | undefined;

  /** Throws a Fault when the address is none. */
  constructor(
    private readonly options: AgentMetricsOptions,
    private readonly view: () => AgentView,
  ) {
    const { listen, log } = options;
    if (listen !== "") this.endpoint = new MetricsEndpoint(listen, () => this.scrape(), log);
  }

  async listen(): Promise<void> {
    if (!this.endpoint) return;
    // prom-client takes 10 MiB: only who wants it shall have it in memory.
    const { processRegistry } = await import("../../shared/metrics/process-metrics.js");
    this.registry = processRegistry();
    await this.endpoint.listen();
  }

  close(): void {
    this.endpoint?.close();
    this.registry?.clear();
  }

  /** `host:port`, while it listens. */
  get address(): string | undefined {
    return this.endpoint?.address;
  }

  private async scrape(): Promise<string> {
    const { dataDir, spool } = this.options;
    const disk = { freeBytes: await freeBytes(dataDir), spoolBytes: await bytesOnDisk(spool) };
    return render(families(this.view(), disk, Date.now())) + ((await this.registry?.metrics()) ?? "");
  }
}
