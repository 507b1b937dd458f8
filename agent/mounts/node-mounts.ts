import { mkdirSync, readdirSync, realpathSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountFailure, Mounts, MountsHost } from "../ports.js";
import { removeForgottenSecretFiles } from "../secret-files.js";
import { inOrder } from "./in-order.js";
import { MountError } from "./mount-error.js";
import { mountAt, mountsUnder } from "./mountinfo.js";
import { Mounting, type Wish } from "./mounting.js";
import { Probe } from "./probe.js";
import { Unmounting } from "./unmounting.js";
import { Watch } from "./watch.js";

export interface NodeMountsOptions {
  nodeName?: string;
  mountLimitMs?: number;
  unmountLimitMs?: number;
  /** For what a driver has yet to send. */
  flushLimitMs?: number;
  /** After a cluster's volume could not be mounted. */
  retryMs?: number;
  /** Between two looks at what is mounted. */
  probeMs?: number;
  probeLimitMs?: number;
  /** Where programs are looked for. */
  path?: string;
  /** A folder on the local disk for what drivers keep there. */
  caches?: string;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const forCluster: Wish = { environment: {}, secrets: [], signal: undefined };

/** This machine's mounts. Only mountinfo and killable processes with a limit: nothing here ever waits for a server. */
export class NodeMounts implements Mounts {
  /** By root: one thing at a time. */
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly mounting: Mounting;
  private readonly unmounting: Unmounting;
  private readonly watching: Watch;
  private wanted: { root: string; plans: MountPlan[] } | undefined;
  private problem = "";
  private failure: MountError | undefined;
  private retrying: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly options: NodeMountsOptions,
    private readonly log: Logger,
  ) {
    const path = options.path ?? defaultPath;
    const caches = options.caches ?? join(tmpdir(), `stoker-mount-caches-${process.pid}`);
    const limitMs = options.mountLimitMs ?? 60_000;
    const flushLimitMs = options.flushLimitMs ?? 120_000;
    this.mounting = new Mounting({ nodeName: options.nodeName ?? "", limitMs, flushLimitMs, path, caches, log });
    this.unmounting = new Unmounting({ limitMs: options.unmountLimitMs ?? 10_000, path }, log, this.mounting);
    const probe = new Probe({ limitMs: options.probeLimitMs ?? 5_000, path });
    this.watching = new Watch(probe, options.probeMs ?? 30_000, log, {
      wanted: () => this.wanted,
      remount: (stale) => this.remount(stale),
      sweep: (root, held) => this.sweep(root, held),
    });
  }

  watch(host: MountsHost): void {
    removeForgottenSecretFiles();
    this.watching.start(host);
  }

  /** Resolves when nothing is at work any more; what is mounted stays. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retrying);
    await this.watching.close();
    await Promise.allSettled(this.turns.values());
  }

  async setCluster(root: string, plans: MountPlan[]): Promise<void> {
    clearTimeout(this.retrying);
    const real = this.ready(root);
    this.wanted = { root: real, plans };
    await this.inTurn(real, () => this.reconcile(real, plans));
    // What an earlier agent has left mounted may be stale by now.
    this.watching.first();
  }

  clusterFailure(): MountFailure | undefined {
    return this.failure;
  }

  clusterProblem(): string {
    return [this.problem, this.watching.problem()].filter((text) => text !== "").join("; ");
  }

  mount(
    root: string,
    plans: MountPlan[],
    environment: Record<string, string>,
    signal: AbortSignal,
    secrets: readonly string[] = [],
    told: (plan: MountPlan, tookMs: number) => void = () => undefined,
  ): Promise<void> {
    const real = this.ready(root);
    return this.inTurn(real, async () => {
      // One that fails has no need of the others.
      const failed = new AbortController();
      const wish = { environment, secrets, signal: AbortSignal.any([signal, failed.signal]) };
      let first: { reason: unknown } | undefined;
      await inOrder(plans, (plan) => {
        const began = performance.now();
        return this.mountOne(real, plan, wish).then(
          () => told(plan, performance.now() - began),
          (reason: unknown) => {
            first ??= { reason };
            failed.abort();
            throw reason;
          },
        );
      });
      if (first) throw first.reason;
    });
  }

  unmountAll(root: string): Promise<void> {
    const exists = statSync(root, { throwIfNoEntry: false }) !== undefined;
    if (!exists) return Promise.resolve();
    const real = realpathSync(root);
    return this.inTurn(real, async () => {
      const failed = await this.unmounting.each(
        mountsUnder(real).map(({ path }) => path),
        "force",
      );
      if (failed !== "") throw new Error(`still mounted: ${failed}`);
      removeEmpty(real);
    });
  }

  /** What is mounted under `root` and below none of the roots that are still held is undone. */
  async sweep(root: string, held: () => readonly string[]): Promise<void> {
    const real = this.ready(root);
    const named = (path: string) => (path.startsWith(`${root}/`) ? `${real}${path.slice(root.length)}` : path);
    const isHeld = (path: string) =>
      held()
        .map(named)
        .some((keep) => path === keep || path.startsWith(`${keep}/`));
    await this.inTurn(real, async () => {
      for (const { path } of mountsUnder(real)) {
        // Asked again for each: another lease may have come meanwhile.
        if (isHeld(path)) continue;
        const failed = await this.unmounting.each([path], "force");
        if (failed === "") this.log.info({ path }, "a mount of an earlier attempt was undone");
        else this.log.warn({ failed }, "a mount of an earlier attempt could not be undone");
      }
    });
  }

  private async reconcile(root: string, plans: MountPlan[]): Promise<void> {
    const named = new Set(plans.map((plan) => join(root, plan.relativeMountPath)));
    const surplus = mountsUnder(root).filter(({ path }) => !named.has(path));
    const busy = await this.unmounting.each(
      surplus.map(({ path }) => path),
      "ask",
    );
    if (busy !== "") this.log.warn({ busy }, "volumes of an earlier cluster are still in use");
    const ends = await inOrder(plans, (plan) => this.mountOne(root, plan, forCluster));
    const problems = ends.flatMap((end) => (end.status === "rejected" ? [inWords(end.reason)] : []));
    // Other plans may have come meanwhile: theirs is the word then.
    if (this.wanted?.plans !== plans) return;
    if (problems.length > 0 && this.problem === "")
      this.log.error({ problems }, "volumes of the cluster can't be mounted");
    this.problem = problems.join("; ");
    this.failure = ends
      .flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []))
      .map((reason) => (reason instanceof MountError ? reason : new MountError("MountError", inWords(reason), [])))[0];
    if (problems.length === 0) return;
    this.retrying = setTimeout(() => this.again(root, plans), this.options.retryMs ?? 30_000);
    this.retrying.unref();
  }

  /** What a job may have seen is mounted anew, once nobody looks any more. */
  private async remount(stale: readonly string[]): Promise<void> {
    const { wanted } = this;
    if (!wanted) return;
    await this.inTurn(wanted.root, async () => {
      await this.unmounting.each(stale, "force");
    });
    this.again(wanted.root, wanted.plans);
  }

  private again(root: string, plans: MountPlan[]): void {
    if (this.wanted?.plans !== plans || this.closed) return;
    this.setCluster(root, plans).catch((error: unknown) =>
      this.log.error({ err: error }, "the cluster's volumes could not be set"),
    );
  }

  private async mountOne(root: string, plan: MountPlan, wish: Wish): Promise<void> {
    const mount = this.mounting.bound(plan);
    const path = join(root, plan.relativeMountPath);
    const present = mountAt(path);
    if (present && mount.matches(present)) return;
    if (present) await this.unmounting.each([path], "force");
    await this.mounting.mount(root, plan, mount, wish);
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

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Empty folders only: should anything have been missed, it is kept. */
function removeEmpty(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(path, entry.name));
  }
  if (readdirSync(path).length === 0) rmdirSync(path);
}
