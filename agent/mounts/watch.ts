import { join } from "node:path";
import type { Logger } from "pino";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountsHost } from "../ports.js";
import { mountAt } from "./mountinfo.js";
import type { Probe } from "./probe.js";

export interface WatchHost {
  /** The cluster's volumes as they should be. */
  wanted(): { root: string; plans: MountPlan[] } | undefined;
  /** Unmounts these paths, and makes all that is wanted mounted again. */
  remount(paths: readonly string[]): Promise<void>;
  sweep(root: string, held: () => readonly string[]): Promise<void>;
}

/**
 * Looks at the cluster's volumes from time to time, one after the other and each for a limited time: a server that hangs costs one process.
 * One that is not there, or answers with an error, is mounted anew, but not under a job: what it has open there would be gone for good.
 */
export class Watch {
  private timer: NodeJS.Timeout | undefined;
  private host: MountsHost | undefined;
  private problems: string[] = [];
  private looked = false;
  private looking: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly probe: Probe,
    private readonly everyMs: number,
    private readonly log: Logger,
    private readonly mounts: WatchHost,
  ) {}

  start(host: MountsHost): void {
    this.host = host;
    this.later(this.everyMs);
  }

  /** Does not wait with the first look. */
  first(): void {
    if (!this.host || this.looked) return;
    this.looked = true;
    clearTimeout(this.timer);
    this.later(0);
  }

  /** In words, "" when every volume answers. */
  problem(): string {
    return this.problems.join("; ");
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  private later(waitMs: number): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.looked = true;
      this.looking = this.look()
        .catch((error: unknown) => this.log.error({ err: error }, "the volumes could not be looked at"))
        .finally(() => this.later(this.everyMs));
    }, waitMs);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const { host } = this;
    if (!host) return;
    await this.mounts.sweep(host.jobMounts, () => host.heldMounts());
    const wanted = this.mounts.wanted();
    const problems: string[] = [];
    const stale: string[] = [];
    let missing = false;
    for (const plan of wanted?.plans ?? []) {
      const path = join(wanted?.root ?? "", plan.relativeMountPath);
      // What could never be mounted is tried again by itself.
      if (!mountAt(path)) {
        missing = true;
        continue;
      }
      const health = await this.probe.ask(path);
      if (health.kind === "silent") problems.push(`the server of volume ${plan.relativeMountPath} does not answer`);
      if (health.kind !== "broken") continue;
      problems.push(`volume ${plan.relativeMountPath} is stale: ${health.words}`);
      stale.push(path);
    }
    if (problems.join() !== this.problems.join()) this.log.warn({ problems }, "the cluster's volumes have changed");
    this.problems = problems;
    if (this.mounts.wanted() !== wanted) return;
    const idle = !host.inUse();
    if (stale.length > 0 && idle) {
      await this.mounts.remount(stale);
      this.problems = problems.filter((text) => !text.includes(" is stale: "));
    } else if (missing) await this.mounts.remount([]);
  }
}
