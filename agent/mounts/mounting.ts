import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import type { Logger } from "pino";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import { runLimited } from "../limited.js";
import { secretFiles } from "../secret-files.js";
import { type BoundMount, bind, flushCommands } from "./index.js";
import { MountError } from "./mount-error.js";
import { mountAt, mountsUnder } from "./mountinfo.js";
import { redacted } from "./redact.js";

export interface MountingOptions {
  nodeName: string;
  limitMs: number;
  /** Where programs are looked for. */
  path: string;
  /** Each mount has a folder of its own below it, for what its driver keeps on the local disk. */
  caches: string;
  flushLimitMs: number;
  log: Logger;
}

export interface Wish {
  environment: Record<string, string>;
  /** Values that are told nowhere, whatever a command says. */
  secrets: readonly string[];
  signal: AbortSignal | undefined;
}

/** Makes one plan mounted, and says all that is known when it can't. */
export class Mounting {
  constructor(private readonly options: MountingOptions) {}

  /** What the plan asks for, when this agent can do it at all; throws a MountError otherwise. */
  bound(plan: MountPlan): BoundMount {
    const mount = bind(plan);
    if (!mount) throw this.failure(plan, undefined, "this agent does not know that kind of volume");
    if (!isBelow(plan.relativeMountPath)) throw this.failure(plan, mount, "it is not a path below the mount root");
    return mount;
  }

  async mount(root: string, plan: MountPlan, mount: BoundMount, wish: Wish): Promise<void> {
    const path = join(root, plan.relativeMountPath);
    const stage = this.stageOf(root, path);
    const { STOKER_LEASE: _, ...own } = wish.environment;
    const secret = mount.secretFile === undefined ? undefined : secretFiles({ [credentials]: mount.secretFile });
    if (mount.secretFile !== undefined && !secret) {
      throw this.failure(
        plan,
        mount,
        "this machine has neither /run nor /dev/shm in memory, where its key could be put",
      );
    }
    try {
      const cache = this.cacheOf(path);
      mkdirSync(this.options.caches, { recursive: true, mode: 0o700 });
      const { problem, words } = await runLimited({
        // The folder may lie on another mount: even making it can hang.
        argv: [
          ...(["/bin/sh", "-c", mountScript, "sh", root, relative(root, path), stage ?? ""] as const),
          ...mount.command(stage ?? path, { secretFile: secret ? join(secret.folder, credentials) : "", cache }),
        ],
        timeoutMs: this.options.limitMs,
        // Without the lease's mark: a file system's daemon is neither frozen nor killed with the ranks, it ends with the mount.
        environment: { PATH: this.options.path, ...(mount.isUsers ? own : {}), ...mount.environment },
        signal: wish.signal,
      });
      const known = [...mount.secrets, ...wish.secrets];
      if (problem !== undefined) throw this.failure(plan, mount, problem, redacted(words, known));
      if (!mountAt(path)) {
        const why = "the command ended well, but nothing is mounted there";
        throw this.failure(plan, mount, why, redacted(words, known));
      }
    } finally {
      secret?.remove();
      if (stage !== undefined) await this.clear(stage);
    }
  }

  /** Before it is unmounted: what a job wrote and its driver still holds goes to the server first. */
  async flush(path: string): Promise<void> {
    const cache = this.cacheOf(path);
    if (!existsSync(cache)) return;
    for (const argv of flushCommands(cache)) {
      const environment = { PATH: this.options.path };
      const { problem } = await runLimited({ argv, timeoutMs: this.options.flushLimitMs, environment });
      if (problem === undefined) continue;
      // Kept, for a person to save what can be saved.
      const kept = `${cache}-unsent-${Date.now()}`;
      this.options.log.error({ path, kept }, "files that were written to a volume have not reached its server");
      cpSync(cache, kept, { recursive: true });
    }
  }

  /** What its driver kept goes with the mount. */
  async forget(path: string): Promise<void> {
    await rm(this.cacheOf(path), { recursive: true, force: true });
  }

  /**
   * Where a volume inside another is mounted first, because whoever can write to that one, or serves it, may put a link in the folder's place at
   * any moment: programs take a path. Undefined for one whose folders are all the agent's own.
   */
  private stageOf(root: string, path: string): string | undefined {
    const isWithin = mountsUnder(root).some((entry) => entry.path !== root && path.startsWith(`${entry.path}/`));
    return isWithin ? `${this.cacheOf(path)}-stage` : undefined;
  }

  /** What is mounted there is mounted in its place by now, or nowhere. */
  private async clear(stage: string): Promise<void> {
    const environment = { PATH: this.options.path };
    const timeoutMs = this.options.limitMs;
    if (mountAt(stage)) await runLimited({ argv: ["umount", "-i", "-l", stage], timeoutMs, environment });
    // Never with what is in it: one that is still mounted is somebody's data.
    await rmdir(stage).catch(() => undefined);
  }

  private cacheOf(path: string): string {
    return join(this.options.caches, createHash("sha256").update(path).digest("hex").slice(0, 32));
  }

  private failure(plan: MountPlan, mount: BoundMount | undefined, why: string, words = ""): MountError {
    const { relativeMountPath } = plan;
    const known = [
      { name: "MountPath", value: relativeMountPath },
      { name: "Node", value: this.options.nodeName },
      { name: "Output", value: words },
    ];
    const details = [...(mount?.details ?? []), ...known.filter(({ value }) => value !== "")];
    return new MountError(
      mount?.errorCode ?? "MountError",
      `${relativeMountPath} could not be mounted: ${why}${words === "" ? "" : `: ${lastLine(words)}`}`,
      details,
    );
  }
}

/**
 * A link that a job left on the way would have the volume mounted, or folders made, wherever it points. So each folder is made from within
 * the one above it (mkdir follows no link), and gone into only where it really is. What lies in another volume comes from its stage to the very
 * folder that was gone into, wherever its path leads by then.
 */
const mountScript = `
at=$1 way=$2 stage=$3
shift 3
cd -P -- "$at" || exit
set -f
IFS=/
for name in $way; do
  at=$at/$name
  if [ -L "$name" ]; then echo "a link leads from $at elsewhere" >&2; exit 1; fi
  # Another volume of the same job may be making it just now.
  [ -d "$name" ] || mkdir -- "$name" 2>/dev/null || [ -d "$name" ] || mkdir -- "$name" || exit
  cd -P -- "$name" || exit
  [ "$(pwd -P)" = "$at" ] || { echo "a link leads from $at elsewhere" >&2; exit 1; }
done
unset IFS
if [ -n "$stage" ]; then
  mkdir -p -- "$stage" || exit
  (cd / && exec "$@") || exit
  exec mount -c --rbind "$stage" .
fi
cd /
exec "$@"
`;

/** The name of the file that they are in. */
const credentials = "credentials";

const isBelow = (path: string) => path !== "" && !isAbsolute(path) && !path.split("/").includes("..");

const lastLine = (words: string) => words.split("\n").at(-1) ?? "";
