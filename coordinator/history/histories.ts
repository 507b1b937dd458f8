import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { Node } from "../core/state.js";
import { Guarded } from "./guarded.js";
import { NodeHistory, type NodeSample, type Series } from "./node-history.js";
import { sampleOf } from "./sample.js";

export interface Read {
  stepMs: number;
  from: number;
  series: Series[];
}

/** The history of every node. A disk that is full, or a file that is damaged, costs history and nothing else. */
export class Histories {
  private readonly open = new Map<string, NodeHistory>();
  private readonly guarded: Guarded;

  constructor(
    private readonly folder: string,
    log: Logger,
  ) {
    this.guarded = new Guarded(log, "the history of nodes can't be kept; it goes on when it can");
  }

  take(node: Node | undefined, at: number, sample: Telemetry): void {
    if (!node) return;
    const gpus = node.inventory.gpus.map(({ uuid }) => uuid);
    this.add(node.name, gpus, at, sampleOf(sample));
  }

  /** `gpus`: those that the node has offered, in their order. */
  add(node: string, gpus: readonly string[], at: number, sample: NodeSample): void {
    this.guarded.run(() => this.of(node, gpus).add(at, sample));
  }

  /** Undefined when nothing is known of the node. */
  read(
    node: string,
    gpus: readonly string[],
    range: { from: number; to: number; steps: number; now: number },
  ): Read | undefined {
    return this.guarded.run(() => this.of(node, gpus).read(range.from, range.to, range.steps, range.now));
  }

  /** With the node goes what it said. */
  remove(node: string): void {
    this.guarded.run(() => {
      this.open.get(node)?.close();
      this.open.delete(node);
      rmSync(join(this.folder, node), { recursive: true, force: true });
    });
  }

  close(): void {
    for (const history of this.open.values()) this.guarded.run(() => history.close());
    this.open.clear();
  }

  private of(node: string, gpus: readonly string[]): NodeHistory {
    const known = this.open.get(node);
    if (known?.fits(gpus)) return known;
    known?.close();
    const history = new NodeHistory(join(this.folder, node), gpus);
    this.open.set(node, history);
    return history;
  }
}
