import { join } from "node:path";
import type { Logger } from "pino";
import type { Telemetry } from "../shared/gen/stoker/v1/node_pb.js";
import { readThresholds } from "./core/gang-watch/thresholds.js";
import { nodeNamed } from "./core/names.js";
import type { Engine } from "./engine.js";
import { GangWatcher } from "./gang-watch/gang-watcher.js";
import { Histories, type Read } from "./history/histories.js";

export interface MeasurementsHost {
  engine(): Engine;
  /** There is room on the disk to keep them. */
  hasRoom(): boolean;
  dataDir: string;
  /** Of the gang watch, by name. */
  thresholds: Readonly<Record<string, string>>;
  log: Logger;
}

/** What nodes measure: kept as their history, and looked at for what it says of the gangs that run there. */
export class Measurements {
  readonly histories: Histories;
  private readonly gangs: GangWatcher;

  constructor(private readonly host: MeasurementsHost) {
    const { dataDir, thresholds, log } = host;
    this.histories = new Histories(join(dataDir, "history"), log);
    this.gangs = new GangWatcher(
      {
        state: () => host.engine().state,
        now: () => host.engine().now(),
        tell: (event) => host.engine().tell(event),
        past: (node, from, to, steps) => {
          const gpus = node.inventory.gpus.map(({ uuid }) => uuid);
          return this.read(node.name, gpus, { from, to, steps });
        },
        log,
      },
      readThresholds(thresholds),
    );
  }

  start(): void {
    this.gangs.start();
  }

  close(): void {
    this.gangs.close();
    this.histories.close();
  }

  take(node: string, sample: Telemetry): void {
    const engine = this.host.engine();
    const at = engine.now();
    this.gangs.sampled(at, sample);
    if (this.host.hasRoom()) this.histories.take(nodeNamed(engine.state, node), at, sample);
  }

  read(node: string, gpus: readonly string[], range: { from: number; to: number; steps: number }): Read | undefined {
    return this.histories.read(node, gpus, { ...range, now: this.host.engine().now() });
  }
}
