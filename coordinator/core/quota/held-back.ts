import type { ExperimentId } from "../../../shared/ids.js";
import { quota } from "../checks/quota.js";
import type { World } from "../memory.js";
import type { Job } from "../state.js";

/**
 * Jobs that their workspace's quota holds back. A queue may have tens of thousands of them, and each pass goes by them all: jobs that need alike
 * are asked about once. One object serves one pass, and is told when that starts something.
 */
export class HeldBack {
  private readonly limited = new Map<ExperimentId, boolean>();
  private readonly held = new Map<string, boolean>();

  constructor(private readonly world: World) {}

  holds(job: Job): boolean {
    if (!this.isLimited(job.experiment)) return false;
    const { nodeCount, share } = job.request;
    const key = `${job.experiment} ${nodeCount} ${share.kind === "part" ? share.gpus : "whole"}`;
    const known = this.held.get(key);
    if (known !== undefined) return known;
    const held = quota(job, this.world) !== undefined;
    this.held.set(key, held);
    return held;
  }

  started(): void {
    this.held.clear();
  }

  private isLimited(experiment: ExperimentId): boolean {
    const known = this.limited.get(experiment);
    if (known !== undefined) return known;
    const workspace = this.world.experiments.get(experiment)?.workspace;
    const limited = workspace !== undefined && this.world.workspaces.get(workspace)?.quota !== undefined;
    this.limited.set(experiment, limited);
    return limited;
  }
}
