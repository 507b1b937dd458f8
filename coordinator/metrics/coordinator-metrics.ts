import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { freeBytes } from "../../shared/metrics/disk.js";
import { MetricsEndpoint } from "../../shared/metrics/endpoint.js";
import { type Family, render } from "../../shared/metrics/family.js";
import type { Change } from "../core/changes.js";
import type { CommitMetrics } from "./commits.js";
import { deliveryFamilies } from "./deliveries.js";
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
  ...deliveryFamilies(view),
];

interface Counted {
  readonly registry: Registry;
  readonly commits: CommitMetrics;
}

interface Committing {
  commit(changes: readonly Change[]): void;
}

/** What Prometheus may ask of the coordinator. */
export class CoordinatorMetrics {
  private readonly endpoint: MetricsEndpoint | undefined;
  private counted: Counted | undefined;

  /** Throws a Fault when the address is none. */
  constructor(
    private readonly options: CoordinatorMetricsOptions,
    private readonly view: () => CoordinatorView,
  ) {
    const { listen, log } = options;
    if (listen !== "") this.endpoint = new MetricsEndpoint(listen, () => this.scrape(), log);
  }

  /** The rows of the catalog; what is committed after `listen` is counted. */
  watch<T extends Committing>(rows: T): T {
    if (!this.endpoint) return rows;
    const commit = rows.commit.bind(rows);
    rows.commit = (changes) => {
      if (this.counted) this.counted.commits.timed(changes, commit);
      else commit(changes);
    };
    return rows;
  }

  async listen(): Promise<void> {
    if (!this.endpoint) return;
    this.counted = await load();
    await this.endpoint.listen();
  }

  close(): void {
    this.endpoint?.close();
    this.counted?.registry.clear();
  }

  private async scrape(): Promise<string> {
    const free = await freeBytes(this.options.dataDir);
    return render(families(this.view(), free)) + ((await this.counted?.registry.metrics()) ?? "");
  }

  /** `host:port`, while it listens. */
  get address(): string | undefined {
    return this.endpoint?.address;
  }
}

/** prom-client takes 10 MiB: only who wants it shall have it in memory. */
async function load(): Promise<Counted> {
  const [{ processRegistry }, { CommitMetrics }] = await Promise.all([
    import("../../shared/metrics/process-metrics.js"),
    import("./commits.js"),
  ]);
  const registry = processRegistry();
  return { registry, commits: new CommitMetrics(registry) };
}
