import { mkdirSync, readdirSync, realpathSync, rmdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import type { Logger } from "pino";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { Mounts } from "../ports.js";
import { bind } from "./index.js";
import { runLimited } from "./limited.js";
import { MountError } from "./mount-error.js";
import { mountAt, mountsUnder } from "./mountinfo.js";

export interface NodeMountsOptions {
  nodeName?: string;
  mountLimitMs?: number;
  unmountLimitMs?: number;
  /** After a cluster's volume could not be mounted. */
  retryMs?: number;
  /** Where programs are looked for. */
  path?: string;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** This machine's mounts. Only mountinfo and killable processes with a limit: nothing here ever waits for a server. */
export class NodeMounts implements Mounts {
  /** By root: one thing at a time. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private wanted: MountPlan[] = [];
  private problem = "";
  private retrying: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: NodeMountsOptions,
    private readonly log: Logger,
  ) {}

  async setCluster(root: string, plans: MountPlan[]): Promise<void> {
    clearTimeout(this.retrying);
    this.wanted = plans;
    const real = this.ready(root);
    await this.inTurn(real, () => this.reconcile(real, plans));
  }

  clusterProblem(): string {
    return this.problem;
  }

  mount(root: string, plans: MountPlan[], environment: Record<string, string>, signal: AbortSignal): Promise<void> {
    const real = this.ready(root);
    return this.inTurn(real, async () => {
      // In their order: one may lie inside another.
      for (const plan of plans) await this.mountOne(real, plan, environment, signal);
    });
  }

  unmountAll(root: string): Promise<void> {
    const exists = statSync(root, { throwIfNoEntry: false }) !== undefined;
    if (!exists) return Promise.resolve();
    const real = realpathSync(root);
    return this.inTurn(real, async () => {
      const failed = await this.unmountEach(
        mountsUnder(real).map(({ path }) => path),
        "force",
      );
      if (failed !== "") throw new Error(`still mounted: ${failed}`);
      removeEmpty(real);
    });
  }

  /** After a restart: what is mounted under `root` and below none of the roots that are still held is undone. */
  async sweep(root: string, held: readonly string[]): Promise<void> {
    const real = this.ready(root);
    const isHeld = (path: string) => held.some((keep) => path === keep || path.startsWith(`${keep}/`));
    await this.inTurn(real, async () => {
      const forgotten = mountsUnder(real).filter(({ path }) => !isHeld(path));
      const failed = await this.unmountEach(
        forgotten.map(({ path }) => path),
        "force",
      );
      if (failed !== "") this.log.warn({ failed }, "mounts of an earlier attempt could not be undone");
    });
  }

  private async reconcile(root: string, plans: MountPlan[]): Promise<void> {
    const named = new Set(plans.map((plan) => join(root, plan.relativeMountPath)));
    const surplus = mountsUnder(root).filter(({ path }) => !named.has(path));
    const busy = await this.unmountEach(
      surplus.map(({ path }) => path),
      "ask",
    );
    if (busy !== "") this.log.warn({ busy }, "volumes of an earlier cluster are still in use");
    const problems: string[] = [];
    for (const plan of plans) {
      await this.mountOne(root, plan, {}, undefined).catch((error: unknown) => {
        problems.push(error instanceof Error ? error.message : String(error));
      });
    }
    // Other plans may have come meanwhile: theirs is the word then.
    if (this.wanted !== plans) return;
    if (problems.length > 0 && this.problem === "")
      this.log.error({ problems }, "volumes of the cluster can't be mounted");
    this.problem = problems.join("; ");
    if (problems.length === 0) return;
    this.retrying = setTimeout(() => {
      this.setCluster(root, plans).catch((error: unknown) =>
        this.log.error({ err: error }, "the cluster's volumes could not be set"),
      );
    }, this.options.retryMs ?? 30_000);
    this.retrying.unref();
  }

  private async mountOne(
    root: string,
    plan: MountPlan,
    environment: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const mount = bind(plan);
    const { relativeMountPath } = plan;
    const fail = (code: string, why: string, words = "") => {
      const known = [
        { name: "MountPath", value: relativeMountPath },
        { name: "Node", value: this.options.nodeName ?? "" },
        { name: "Output", value: words },
      ];
      const details = [...(mount?.details ?? []), ...known.filter(({ value }) => value !== "")];
      return new MountError(
        code,
        `${relativeMountPath} could not be mounted: ${why}${words === "" ? "" : `: ${lastLine(words)}`}`,
        details,
      );
    };
    if (!mount) throw fail("MountError", "this agent does not know that kind of volume");
    if (!isBelow(relativeMountPath)) throw fail(mount.errorCode, "it is not a path below the mount root");
    const path = join(root, relativeMountPath);
    const present = mountAt(path);
    if (present && mount.matches(present)) return;
    if (present) await this.unmountEach([path], "force");
    const { STOKER_LEASE: _, ...own } = environment;
    const { problem, words } = await runLimited({
      // The folder may lie on another mount: even making it can hang.
      argv: ["/bin/sh", "-c", mountScript, "sh", root, relative(root, path), ...mount.command(path)],
      timeoutMs: this.options.mountLimitMs ?? 60_000,
      // Without the lease's mark: a file system's daemon is neither frozen nor killed with the ranks, it ends with the mount.
      environment: { PATH: this.path, ...own },
      signal,
    });
    if (problem !== undefined) throw fail(mount.errorCode, problem, words);
    if (!mountAt(path)) throw fail(mount.errorCode, "the command ended well, but nothing is mounted there", words);
  }

  /** In this order. The paths that are still mounted, in words. */
  private async unmountEach(paths: readonly string[], how: "ask" | "force"): Promise<string> {
    for (const path of paths) {
      if (!mountAt(path)) continue;
      const { problem } = await this.umount([path]);
      if (problem === undefined || how === "ask") continue;
      const forced = await this.umount(["-l", "-f", path]);
      if (forced.problem !== undefined)
        this.log.warn({ path, problem: forced.problem, words: forced.words }, "a volume can't be unmounted");
    }
    return paths.filter((path) => mountAt(path) !== undefined).join(", ");
  }

  private umount(words: string[]) {
    return runLimited({
      argv: ["umount", ...words],
      timeoutMs: this.options.unmountLimitMs ?? 10_000,
      environment: { PATH: this.path },
    });
  }

  private get path(): string {
    return this.options.path ?? defaultPath;
  }

  /** The root as the kernel names it. It is on the agent's own disk. */
  private ready(root: string): string {
    mkdirSync(root, { recursive: true });
    return realpathSync(root);
  }

  private inTurn<T>(root: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(root) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.turns.set(root, mine);
    const clear = () => {
      if (this.turns.get(root) === mine) this.turns.delete(root);
    };
    mine.then(clear, clear);
    return mine;
  }
}

/**
 * A link that a job left on the way would have the volume mounted, or folders made, wherever it points. So each folder is made from within
 * the one above it (mkdir follows no link), and gone into only where it really is.
 */
const mountScript = `
at=$1 way=$2
shift 2
cd -P -- "$at" || exit
set -f
IFS=/
for name in $way; do
  at=$at/$name
  if [ -L "$name" ]; then echo "a link leads from $at elsewhere" >&2; exit 1; fi
  [ -d "$name" ] || mkdir -- "$name" || exit
  cd -P -- "$name" || exit
  [ "$(pwd -P)" = "$at" ] || { echo "a link leads from $at elsewhere" >&2; exit 1; }
done
unset IFS
cd /
exec "$@"
`;

const isBelow = (path: string) => path !== "" && !isAbsolute(path) && !path.split("/").includes("..");

const lastLine = (words: string) => words.split("\n").at(-1) ?? "";

/** Empty folders only: should anything have been missed, it is kept. */
function removeEmpty(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(path, entry.name));
  }
  if (readdirSync(path).length === 0) rmdirSync(path);
}
