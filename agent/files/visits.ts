import { createHash } from "node:crypto";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { type MountPlan, MountPlanSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { Mounts } from "../ports.js";

interface Visit {
  root: string;
  users: number;
  mounted: Promise<void>;
  leaving: NodeJS.Timeout | undefined;
}

/** After its last user. The next file of the same directory is often asked for soon. */
const idleMs = 60_000;

/** Volumes that are mounted for those who read a job's files, when the job is not here or no longer runs. */
export class Visits {
  private readonly visits = new Map<string, Visit>();

  constructor(
    private readonly folder: string,
    private readonly mounts: Pick<Mounts, "mount" | "unmountAll" | "sweep">,
    private readonly log: Logger,
    private readonly staysMs = idleMs,
  ) {}

  /** What an earlier agent left. */
  async sweep(): Promise<void> {
    await this.mounts.sweep(this.folder, () => []);
  }

  /** Under which root they are mounted now; they stay until the answer is disposed of. Rejects as the mount does. */
  async hold(plans: readonly MountPlan[], signal: AbortSignal): Promise<{ root: string } & Disposable> {
    const key = keyOf(plans);
    const visit = this.visits.get(key) ?? this.begin(key, plans, signal);
    clearTimeout(visit.leaving);
    visit.users += 1;
    const release = () => this.release(key, visit);
    try {
      await visit.mounted;
    } catch (error) {
      release();
      throw error;
    }
    return { root: visit.root, [Symbol.dispose]: release };
  }

  async close(): Promise<void> {
    const all = [...this.visits.values()];
    this.visits.clear();
    for (const { leaving } of all) clearTimeout(leaving);
    await Promise.all(all.map(({ root }) => this.leave(root)));
  }

  private begin(key: string, plans: readonly MountPlan[], signal: AbortSignal): Visit {
    const root = join(this.folder, key);
    const visit: Visit = {
      root,
      users: 0,
      leaving: undefined,
      mounted: this.mounts.mount(root, [...plans], {}, signal),
    };
    this.visits.set(key, visit);
    visit.mounted.catch(() => {
      // The next who asks tries anew.
      if (this.visits.get(key) === visit) this.visits.delete(key);
      void this.leave(root);
    });
    return visit;
  }

  private release(key: string, visit: Visit): void {
    visit.users -= 1;
    if (visit.users > 0 || this.visits.get(key) !== visit) return;
    visit.leaving = setTimeout(() => {
      this.visits.delete(key);
      void this.leave(visit.root);
    }, this.staysMs);
    visit.leaving.unref();
  }

  private async leave(root: string): Promise<void> {
    await this.mounts
      .unmountAll(root)
      .catch((error: unknown) =>
        this.log.error({ err: error, root }, "volumes mounted for reading could not be unmounted"),
      );
  }
}

function keyOf(plans: readonly MountPlan[]): string {
  const hash = createHash("sha256");
  for (const plan of plans) hash.update(toBinary(MountPlanSchema, plan)).update("\0");
  return hash.digest("hex").slice(0, 16);
}
