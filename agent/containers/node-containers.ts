import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import { type LimitedEnd, runLimited } from "../limited.js";
import type { Containers, ContainersHost, ContainerWish, Inside } from "../ports.js";
import { secretFiles } from "../secret-files.js";
import { ContainerError } from "./container-error.js";
import { exchanged, foldersThere } from "./folders.js";
import { authFile, fullName } from "./image.js";
import { runtimes } from "./index.js";
import { Lines } from "./lines.js";
import { sharedMounts } from "./propagation.js";
import { environmentOf, readIfThere, readRecord, startOf, writeRecord } from "./record.js";
import type { Argv, Runtime } from "./runtime.js";

export interface ContainersOptions {
  /** Holds each lease's spool folder. */
  spool: string;
  /** For runtimes that keep images nowhere. */
  store: string;
  /** Tells this agent's containers from those of others on the machine. */
  dataDir: string;
  /** auto, off, or the one to be used. */
  wanted: string;
  /** What keeps a container, by its path inside. */
  holder: Argv;
  /** The program stoker-shim, as the machine has it. */
  shimPath: string;
  /** The agent's own: a runtime gets of it what it may need, such as proxies. */
  environment: NodeJS.ProcessEnv;
  limits?: Partial<Limits>;
}

interface Limits {
  findMs: number;
  askMs: number;
  pullMs: number;
  startMs: number;
  removeMs: number;
  retryMs: number;
  lookMs: number;
}

/** A large image over a slow line takes long; and a copying storage driver as long again at the start. */
const limits: Limits = {
  findMs: 3_000,
  askMs: 20_000,
  pullMs: 3_600_000,
  startMs: 600_000,
  removeMs: 60_000,
  retryMs: 60_000,
  lookMs: 2_000,
};
const removeTries = 3;
const holderWithinMs = 5_000;
const goneAtOnce = "it had ended, or somebody had removed it, before anything could run in it";

const passedOn =
  /^(?:PATH|HOME|USER|LANG|TMPDIR|XDG_RUNTIME_DIR|REGISTRY_AUTH_FILE|(?:https?|all|no)_proxy|(?:HTTPS?|ALL|NO)_PROXY|(?:SSL_CERT|CONTAINERS?|DOCKER|APPTAINER)_\w+)$/;

/** Whichever runtime the machine has. What it is asked for is done by its program, under a limit. */
export class NodeContainers implements Containers {
  private runtime: Runtime | undefined;
  private readonly environment: Record<string, string>;
  private readonly limits: Limits;
  private readonly agent: string;
  private readonly retries = new Set<NodeJS.Timeout>();
  private watching: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ContainersOptions,
    private readonly log: Logger,
  ) {
    const own = Object.entries(options.environment).flatMap(([name, value]) =>
      value !== undefined && passedOn.test(name) ? [[name, value] as const] : [],
    );
    this.environment = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ...Object.fromEntries(own),
    };
    this.limits = { ...limits, ...options.limits };
    this.agent = createHash("sha256").update(options.dataDir).digest("hex").slice(0, 8);
  }

  async find(): Promise<{ name: string; version: string } | undefined> {
    const { wanted } = this.options;
    const here = runtimes.filter(
      ({ name, program }) => (wanted === "auto" || wanted === name) && this.isOnPath(program),
    );
    const asked = await Promise.all(here.map(({ version }) => this.run(version, this.limits.findMs)));
    for (const [at, runtime] of here.entries()) {
      const { problem, late, words } = asked[at] ?? { problem: "", late: false, words: "" };
      const version = problem === undefined ? /\d+\.\d+[-\w.+~]*/.exec(words)?.[0] : undefined;
      // One that is only slow, on a machine that has just been started, works later.
      if (version === undefined && !late) {
        this.log.warn({ problem, words }, `${runtime.name} is here and does not work`);
        continue;
      }
      this.runtime = runtime;
      mkdirSync(this.options.store, { recursive: true, mode: 0o700 });
      return { name: runtime.name, version: version ?? "" };
    }
    return undefined;
  }

  async start(wish: ContainerWish, tell: (line: string) => void, signal: AbortSignal): Promise<void> {
    if (this.inside(wish.lease)) return;
    const { runtime } = this;
    if (!runtime) throw new ContainerError(wish.image, "this machine has nothing that runs containers", "");
    const mark = { STOKER_LEASE: wish.lease };
    const image = await this.imageHere(runtime, wish, mark, tell, signal);
    const look = this.looking(wish, mark, signal);
    const { folders, named } = await foldersThere(wish, this.options.shimPath, look);
    const name = this.nameOf(wish.lease);
    // What an agent before this one may have begun.
    await this.run(runtime.remove(name, this.options.store), this.limits.removeMs);
    const isShared = sharedMounts();
    const argv = runtime.start(
      {
        ...{ name, label: `stoker.agent=${this.agent}`, image, lease: wish.lease, holder: this.options.holder },
        ...{ shmSizeBytes: wish.shmSizeBytes, gpuUuids: wish.gpuUuids, account: wish.account },
        devices: ["/dev/infiniband"].filter((device) => existsSync(device)),
        mounts: folders.map(({ from, to, readOnly }) => ({
          ...{ from, to, readOnly: readOnly === true, propagated: isShared(from) },
        })),
      },
      this.options.store,
    );
    const started = await this.run(argv, this.limits.startMs, { environment: mark, signal });
    if (started.problem !== undefined) throw this.failure(wish, "start a container of the image", started);
    const inside = await this.lookInside(runtime, wish, name, signal);
    // Nothing of the job runs in it yet.
    const other = await exchanged(named, inside.holder, this.options.shimPath, look);
    if (other !== undefined)
      throw new ContainerError(wish.image, `${other} became another while the container was made`, "");
    writeRecord(this.spoolOf(wish.lease), inside);
    tell(`the container ${name} is there`);
  }

  inside(lease: LeaseId): Inside | undefined {
    return readRecord(this.spoolOf(lease));
  }

  async remove(lease: LeaseId): Promise<string> {
    const problem = await this.removeNamed(this.nameOf(lease));
    if (problem !== "") this.later(() => this.remove(lease));
    return problem;
  }

  async sweep(held: (lease: string) => boolean): Promise<void> {
    const { runtime } = this;
    if (!runtime) return;
    const names: string[] = [];
    const lines = new Lines((line) => names.push(line), Number.POSITIVE_INFINITY);
    const listed = await this.run(runtime.list(`stoker.agent=${this.agent}`), this.limits.askMs, {
      heard: (stream, text) => stream === "stdout" && lines.hear(stream, text),
    });
    lines.end();
    if (listed.problem !== undefined) {
      this.log.warn({ ...listed }, "containers of earlier attempts could not be looked for; it is tried again");
      this.later(() => this.sweep(held));
      return;
    }
    for (const name of names) {
      const lease = name.startsWith(this.prefix) ? parseLeaseId(name.slice(this.prefix.length))?.lease : undefined;
      if (lease === undefined || held(lease)) continue;
      const problem = await this.removeNamed(name);
      if (problem === "") this.log.info({ container: name }, "removed the container of an earlier attempt");
      else this.later(() => this.remove(lease));
    }
  }

  watch({ needed, gone }: ContainersHost): void {
    const look = () => {
      for (const lease of needed()) if (!this.inside(lease)) gone(lease);
    };
    this.watching = setInterval(look, this.limits.lookMs).unref();
  }

  close(): void {
    clearInterval(this.watching);
    for (const retry of this.retries) clearTimeout(retry);
  }

  private get prefix(): string {
    return `stoker-${this.agent}-`;
  }

  private nameOf(lease: LeaseId): string {
    return this.prefix + lease;
  }

  private spoolOf(lease: LeaseId): string {
    return join(this.options.spool, lease);
  }

  /** The name under which the image is on this machine; pulled when it was not. */
  private async imageHere(
    runtime: Runtime,
    wish: ContainerWish,
    mark: Record<string, string>,
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<string> {
    const { store } = this.options;
    const full = fullName(wish.image, wish.serverUrl);
    for (const name of new Set([wish.image, full])) {
      const { problem, late, words } = await this.run(runtime.present(name, store), this.limits.askMs, {
        environment: mark,
        signal,
      });
      if (problem === undefined) return name;
      if (late) throw new ContainerError(wish.image, `${runtime.name} does not answer: ${problem}`, words);
    }
    tell(`pulling ${full}`);
    const credentials = this.credentials(wish);
    const lines = new Lines((line) => tell(`pull: ${this.redacted(wish, line)}`));
    try {
      const { argv, environment } = runtime.pull(full, credentials, store);
      const pulled = await this.run(argv, this.limits.pullMs, {
        environment: { ...environment, ...mark },
        signal,
        heard: (stream, text) => lines.hear(stream, text),
      });
      lines.end();
      if (pulled.problem !== undefined) throw this.failure(wish, `pull ${full}`, pulled);
      return full;
    } finally {
      credentials?.remove();
    }
  }

  private credentials({ image, serverUrl, username, password }: ContainerWish) {
    if (username === "" && password === "") return undefined;
    const text = authFile(image, serverUrl, username, password);
    const files = secretFiles({ "config.json": text, "docker-config.json": text });
    if (files) return files;
    const why = "this machine has neither /run nor /dev/shm in memory, where the registry's password could be put";
    throw new ContainerError(image, why, "");
  }

  /** What is on a server that hangs must not hold up more than this job. */
  private looking(wish: ContainerWish, mark: Record<string, string>, signal: AbortSignal) {
    return async (argv: Argv): Promise<string> => {
      let text = "";
      const hear = (stream: string, heard: string) => {
        if (stream === "stdout") text += heard;
      };
      const looked = await this.run(argv, this.limits.askMs, { environment: mark, signal, heard: hear });
      if (looked.problem !== undefined) throw this.failure(wish, "look at the job's directories", looked);
      return text;
    };
  }

  private async lookInside(runtime: Runtime, wish: ContainerWish, name: string, signal: AbortSignal): Promise<Inside> {
    let text = "";
    const hear = (stream: string, heard: string) => {
      if (stream === "stdout") text += heard;
    };
    const asked = await this.run(runtime.holder(name), this.limits.askMs, { signal, heard: hear });
    const holder = Number(text.trim());
    const start = Number.isSafeInteger(holder) && holder > 1 ? startOf(holder) : undefined;
    if (asked.problem !== undefined) throw this.failure(wish, "find the container that it started", asked);
    if (start === undefined)
      throw this.failure(wish, "keep the container that it started", { ...asked, problem: goneAtOnce, words: "" });
    if (!runtime.environment) return { holder, start, environment: await this.environmentOf(holder) };
    text = "";
    const said = await this.run(runtime.environment(name), this.limits.askMs, { signal, heard: hear });
    if (said.problem !== undefined) throw this.failure(wish, "ask for the image's environment", said);
    return { holder, start, environment: environmentOf(text) };
  }

  /** Of the holder itself, and not of the runtime that is about to become it. */
  private async environmentOf(holder: number): Promise<Record<string, string>> {
    const program = this.options.holder[0];
    for (let waited = 0; waited < holderWithinMs; waited += 20) {
      if (readIfThere(`/proc/${holder}/cmdline`)?.startsWith(`${program}\0`)) break;
      await delay(20);
    }
    return environmentOf(readFileSync(`/proc/${holder}/environ`, "utf8"));
  }

  private async removeNamed(name: string): Promise<string> {
    const { runtime } = this;
    if (!runtime) return "";
    let problem = "";
    for (let tries = 0; tries < removeTries; tries += 1) {
      const removed = await this.run(runtime.remove(name, this.options.store), this.limits.removeMs);
      if (removed.problem === undefined || runtime.gone.test(removed.words)) return "";
      problem = [removed.problem, removed.words].filter(Boolean).join(": ");
      // One that hangs is not asked again at once: the attempt's end would wait for it, which has no processes any more.
      if (removed.late) break;
    }
    this.log.error({ container: name, problem }, "a container could not be removed; it is tried again");
    return problem;
  }

  private later(work: () => Promise<unknown>): void {
    const retry = setTimeout(() => {
      this.retries.delete(retry);
      work().catch((error: unknown) => this.log.error({ err: error }, "a container could not be removed"));
    }, this.limits.retryMs);
    this.retries.add(retry.unref());
  }

  private failure(wish: ContainerWish, what: string, { problem, words }: LimitedEnd): ContainerError {
    const said = this.redacted(wish, words);
    const last = said.split("\n").at(-1) ?? "";
    const advice = this.runtime?.advice?.find((each) => each.said.test(said))?.advice;
    const why = `${last === "" ? problem : last}${advice === undefined ? "" : `; ${advice}`}`;
    const message = `${this.runtime?.name ?? "the runtime"} could not ${what}: ${why}`;
    return new ContainerError(wish.image, message, said);
  }

  private redacted({ username, password }: ContainerWish, text: string): string {
    if (password === "") return text;
    return text
      .replaceAll(password, "***")
      .replaceAll(Buffer.from(`${username}:${password}`).toString("base64"), "***");
  }

  private run(
    argv: Argv,
    timeoutMs: number,
    more: Pick<Parameters<typeof runLimited>[0], "signal" | "heard"> & { environment?: Record<string, string> } = {},
  ): Promise<LimitedEnd> {
    return runLimited({ argv, timeoutMs, ...more, environment: { ...this.environment, ...more.environment } });
  }

  private isOnPath(program: string): boolean {
    return (this.environment.PATH ?? "").split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  }
}
