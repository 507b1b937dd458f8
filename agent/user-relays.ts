import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { Fault } from "../shared/fault.js";
import type { LeaseId } from "../shared/ids.js";
import { environmentOf, jobTempOf, type NodePlaces } from "./core/environment.js";
import type { LeaseRun } from "./core/lease-state.js";
import { JobFiles } from "./files/job-files.js";
import { Visits } from "./files/visits.js";
import { mountAt } from "./mounts/mountinfo.js";
import type { DataPaths } from "./paths.js";
import type { Mounts } from "./ports.js";
import { exec } from "./pty/exec.js";
import type { ExecPlace, RelayWork } from "./relay-ports.js";
import { forward } from "./relays/forward.js";
import { Relays } from "./relays/relays.js";

export interface UserRelaysOptions {
  coordinator: string;
  nodeName: string;
  shimPath: string;
  token(): string;
  paths: DataPaths;
  places: NodePlaces;
  mounts: Mounts;
  /** False: the owner lets nobody run commands here, or reach what this machine reaches. */
  exec: boolean;
  run(lease: LeaseId): LeaseRun | undefined;
  fence(lease: LeaseId): string;
  /** A process that is not a rank is about to run under the lease. */
  used(lease: LeaseId): void;
}

/** What users reach of this machine through the coordinator. */
export class UserRelays {
  private readonly visits: Visits;
  private readonly relays: Relays;

  constructor(
    private readonly options: UserRelaysOptions,
    private readonly log: Logger,
  ) {
    const { shimPath, nodeName, places, paths, mounts } = options;
    const folder = join(paths.data, "file-mounts");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.visits = new Visits(folder, mounts, log);
    const isMounted = (path: string) => mountAt(path) !== undefined;
    const files = new JobFiles({ shimPath, nodeName, places, visits: this.visits, isMounted });
    const work: RelayWork = {
      exec: async (plan, channel) => {
        this.permit();
        await exec(plan, channel, { shimPath, place: (lease) => this.place(lease) });
      },
      forward: async (plan, channel) => {
        this.permit();
        await forward(plan, channel);
      },
      listFiles: (plan, channel) => files.list(plan, channel),
      readFile: (plan, channel) => files.read(plan, channel),
    };
    this.relays = new Relays({ ...options, work }, log);
  }

  take(order: Parameters<Relays["take"]>[0]): void {
    this.relays.take(order);
  }

  /** Undoes what an earlier agent has mounted for readers. Not waited for: its server may hang. */
  sweep(): void {
    this.visits
      .sweep()
      .catch((error: unknown) => this.log.error({ err: error }, "volumes mounted for reading could not be looked for"));
  }

  async close(): Promise<void> {
    await this.relays.close();
    await this.visits.close();
  }

  private permit(): void {
    if (this.options.exec) return;
    throw new Fault(
      "permission-denied",
      `the owner of ${this.options.nodeName} lets nobody run commands there: its agent was started with --no-exec`,
    );
  }

  private place(lease: LeaseId | undefined): ExecPlace {
    const { places, nodeName } = this.options;
    if (lease === undefined) {
      const home = places.base.HOME ?? "/";
      return {
        environment: { ...places.base, AZ_BATCHAI_MOUNT_ROOT: places.mountRoot, STOKER_NODE: nodeName },
        cwd: home,
        fence: "",
      };
    }
    const run = this.options.run(lease);
    if (!run || run.frozen || (run.progress.phase !== "ready" && run.progress.phase !== "running")) {
      throw new Fault(
        "failed-precondition",
        `the job's processes do not run on ${nodeName} now; \`stoker node exec\` reaches the node itself`,
      );
    }
    this.options.used(lease);
    const environment = environmentOf(run.grant, places);
    return { environment, cwd: jobTempOf(run.grant, places), fence: this.options.fence(lease) };
  }
}
