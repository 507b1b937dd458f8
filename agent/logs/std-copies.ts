import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { isFull } from "../../shared/disk-reserve.js";
import type { LeaseId } from "../../shared/ids.js";
import type { StdCopies } from "../ports.js";

type Files = Array<{ from: string; to: string }>;

interface Copier {
  child: ChildProcess;
  ended: Promise<void>;
}

/** A copier that fails outright is started again, but not at once. */
const restartMs = 2_000;
/** A copier in an uninterruptible wait does not even die of SIGKILL: nobody waits for it longer than this. */
const unkillableMs = 1_000;

/**
 * `stoker-shim copy`, one for a lease. It ends with the agent: the next one starts another, which goes on from the targets' lengths. Its
 * folder in the spool holds the mark that says "no more will come" and the copier's own word on how it went.
 */
export class ShimCopies<Key extends string = LeaseId> implements StdCopies<Key> {
  private readonly copiers = new Map<Key, { files: Files; copier: Copier | undefined }>();

  constructor(
    private readonly shimPath: string,
    private readonly spoolRoot: string,
    private readonly log: Logger,
    /** As whom it writes; undefined: as the agent itself. */
    private readonly confine: (lease: Key) => string | undefined = () => undefined,
    /** As root, where jobs may write, too: no link of theirs is followed. */
    private readonly trusted = false,
  ) {}

  start(lease: Key, files: Files): void {
    if (files.length === 0 || this.copiers.has(lease)) return;
    const entry = { files, copier: undefined as Copier | undefined };
    this.copiers.set(lease, entry);
    this.begin(lease, entry);
  }

  copied(lease: Key, from: string): number {
    const files = this.copiers.get(lease)?.files;
    const at = files?.findIndex((each) => each.from === from) ?? -1;
    if (!files || at < 0) return Number.POSITIVE_INFINITY;
    const { progress } = this.paths(lease, files);
    const lines = existsSync(progress) ? readFileSync(progress, "utf8").split("\n") : [];
    return Number(lines[at] ?? 0) || 0;
  }

  async finish(lease: Key, timeoutMs: number): Promise<string> {
    const entry = this.copiers.get(lease);
    if (!entry) return "";
    try {
      writeFileSync(this.paths(lease, entry.files).done, "");
      entry.copier ??= this.spawn(lease, entry);
    } catch (error) {
      if (!isFull(error)) throw error;
      // A copier that is never told that this is all would outlive the lease.
      this.copiers.delete(lease);
      entry.copier?.child.kill("SIGKILL");
      await Promise.race([entry.copier?.ended, delay(unkillableMs)]);
      return "not copied whole: the node's disk is full";
    }
    const { child, ended } = entry.copier;
    const limit = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    let giveUp: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, timeoutMs + unkillableMs);
    });
    await Promise.race([ended, tooLong]);
    clearTimeout(limit);
    clearTimeout(giveUp);
    this.copiers.delete(lease);
    return this.outcome(lease, entry.files, timeoutMs);
  }

  /** On a full disk later. */
  private begin(lease: Key, entry: { files: Files; copier: Copier | undefined }): void {
    try {
      entry.copier ??= this.spawn(lease, entry);
    } catch (error) {
      if (!isFull(error)) throw error;
      this.restart(lease, entry, "the node's disk is full");
    }
  }

  private spawn(lease: Key, entry: { files: Files; copier: Copier | undefined }): Copier {
    const { done, result, progress, dir } = this.paths(lease, entry.files);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const words = entry.files.flatMap(({ from, to }) => ["--from", from, "--to", to]);
    const confine = this.confine(lease);
    if (confine !== undefined) words.push("--confine", confine);
    if (this.trusted) words.push("--trusted", "yes");
    const child = spawn(this.shimPath, ["copy", ...words, "--done", done, "--result", result, "--progress", progress], {
      cwd: "/",
      env: {},
      stdio: "ignore",
    });
    const ended = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        this.log.error({ err: error, lease }, "the copier of std files could not be started");
        resolve();
      });
      child.once("exit", (code, signal) => {
        resolve();
        if (code !== 0 && !existsSync(done)) this.restart(lease, entry, signal ?? `exit code ${code}`);
      });
    });
    return { child, ended };
  }

  private restart(lease: Key, entry: { files: Files; copier: Copier | undefined }, why: string): void {
    this.log.warn({ lease, why }, "the copier of std files ended early; starting another");
    entry.copier = undefined;
    setTimeout(() => {
      if (this.copiers.get(lease) === entry) this.begin(lease, entry);
    }, restartMs).unref();
  }

  private outcome(lease: Key, files: Files, timeoutMs: number): string {
    const { result } = this.paths(lease, files);
    const told: unknown = existsSync(result) ? JSON.parse(readFileSync(result, "utf8")) : undefined;
    if (typeof told !== "object" || told === null) return `nothing was copied within ${timeoutMs / 1000} s`;
    if ("complete" in told && told.complete === true) return "";
    const problem = "problem" in told && typeof told.problem === "string" ? told.problem : "";
    return problem === "" ? `not copied whole within ${timeoutMs / 1000} s` : problem;
  }

  private paths(lease: Key, files: Files) {
    const dir = join(this.spoolRoot, lease, "copies");
    const name = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 12);
    const file = (kind: string) => join(dir, `${name}.${kind}`);
    return { dir, done: file("done"), result: file("result"), progress: file("progress") };
  }
}
