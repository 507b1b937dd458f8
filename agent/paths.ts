import { createHash } from "node:crypto";
import { join } from "node:path";
import type { LeaseId } from "../shared/ids.js";

/** Everything this agent keeps, under one folder on a local disk. */
export interface DataPaths {
  data: string;
  ledger: string;
  spool: string;
  witnesses: string;
  obeyed: string;
  gpus: string;
  jobs: string;
  /** Whose each folder of `jobs` is. */
  jobTemps: string;
  mounts: string;
  jobMounts: string;
  commands: string;
  inside: string;
  images: string;
  mountCaches: string;
  exports: string;
  setup: string;
  trash: string;
  fences: string;
  socket: string;
  /** For processes of any account that show a lease's pass; undefined where the path is too long, and they see it as `inContainers` says. */
  openSocket: string | undefined;
}

/** The longest path that a unix socket can have, with room for the final zero. */
const socketPathLimit = 107;

export function dataPaths(data: string): DataPaths {
  const beside = join(data, "agent.sock");
  const open = join(data, "inside", "ranks.sock");
  return {
    data,
    ledger: join(data, "ledger"),
    spool: join(data, "spool"),
    witnesses: join(data, "witnesses.json"),
    obeyed: join(data, "obeyed.json"),
    gpus: join(data, "gpus.json"),
    jobs: join(data, "jobs"),
    jobTemps: join(data, "job-temps.json"),
    mounts: join(data, "mounts"),
    jobMounts: join(data, "job-mounts"),
    commands: join(data, "commands"),
    inside: join(data, "inside"),
    images: join(data, "images"),
    mountCaches: join(data, "mount-caches"),
    exports: join(data, "exports"),
    setup: join(data, "setup"),
    trash: join(data, "trash"),
    fences: join(data, "fences"),
    socket:
      Buffer.byteLength(beside) <= socketPathLimit
        ? beside
        : `/tmp/stoker-${createHash("sha256").update(data).digest("hex").slice(0, 16)}.sock`,
    openSocket: Buffer.byteLength(open) <= socketPathLimit ? open : undefined,
  };
}

/** A lease's spool folder and what is in it. */
export class Spool {
  readonly dir: string;

  constructor(paths: DataPaths, lease: LeaseId) {
    this.dir = join(paths.spool, lease);
  }

  rank(rank: number): string {
    return join(this.dir, `rank-${rank}`);
  }

  get preparation(): string {
    return join(this.dir, "preparation");
  }

  get executionLog(): string {
    return join(this.dir, "execution.log");
  }
}
