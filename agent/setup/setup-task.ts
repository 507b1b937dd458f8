import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { SetupTaskPlan } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import {
  levelsAbove,
  type SetupPlaces,
  setupDirectoryOf,
  setupEnvironmentOf,
} from "../core/preparation/environment.js";
import type { PreparationEvent, TaskEnd } from "../core/preparation/state.js";
import { runLimited } from "../limited.js";
import type { ShimProcess, Shims, StdCopies } from "../ports.js";

export interface SetupTaskHost {
  /** `<data>/setup`: a folder for each run. */
  folder: string;
  nodeName: string;
  places: SetupPlaces;
  shimPath: string;
  /** Jobs are other accounts', whose directories come beside the task's. */
  jobsAreOthers: boolean;
  shims: Shims;
  copies: StdCopies<string>;
  /** In the background, with everything in it. */
  remove(path: string): void;
  tell(event: PreparationEvent): void;
}

/** Of a shim that takes no SIGQUIT it is asked again. */
const shortestGraceMs = 100;
const directoryLimitMs = 60_000;
const copyLimitMs = 30_000;
const tailBytes = 2_000;
const tailLines = 10;
const linesMax = 200;

/**
 * The node's setup task: one process under a shim, in a folder of its own, that goes on when the agent is gone. Its output goes to files at
 * once, not through the shim: the services that it starts go on when it has ended well, and may go on writing.
 */
export class SetupTask {
  /** Lines of the execution log from before there is a folder. */
  private lines: string[] = [];
  private current: string | undefined;
  private process: ShimProcess | undefined;
  private ending: NodeJS.Timeout | undefined;
  private calledOff: { run: string; graceMs: number } | undefined;

  constructor(
    private readonly host: SetupTaskHost,
    private readonly log: Logger,
  ) {}

  /** What an earlier agent has left of it. */
  look(run: string): "absent" | "live" | "ended" {
    const folder = join(this.folder(run), "process");
    if (!existsSync(folder)) return "absent";
    return existsSync(join(folder, "exit")) ? "ended" : "live";
  }

  start(run: string, task: SetupTaskPlan): void {
    this.begin(run, task).catch((error: unknown) => {
      this.host.tell({ type: "task-not-started", run, message: inWords(error) });
    });
  }

  adopt(run: string): void {
    this.current = run;
    this.host.shims.adopt(join(this.folder(run), "process")).then(
      (process) => {
        if (process) this.watch(run, process);
        else this.ended(run, { exitCode: 137, signal: 9, lost: "its folder is gone" });
      },
      (error: unknown) => this.ended(run, { exitCode: 137, signal: 9, lost: inWords(error) }),
    );
  }

  /** Of one that an earlier agent has started. */
  followAgain(run: string, task: SetupTaskPlan): void {
    try {
      this.follow(run, task);
    } catch (error) {
      this.log.error({ run, err: error }, "the setup task's output can't be copied any more");
      this.host.tell({ type: "warned", run, warning: `the setup task's output is not copied: ${inWords(error)}` });
    }
  }

  private follow(run: string, task: SetupTaskPlan): void {
    const directory = setupDirectoryOf(task, this.host.places);
    if (directory !== "") this.host.copies.start(run, this.files(run, directory));
  }

  /** SIGTERM to all that it has started, and after a while SIGKILL. */
  end(run: string, graceMs: number): void {
    this.calledOff = { run, graceMs };
    if (this.process) this.terminate(this.process, graceMs);
  }

  finish(run: string): void {
    this.host.copies.finish(run, copyLimitMs).then(
      (problem) => {
        if (problem === "") return;
        this.log.warn({ run, problem }, "the setup task's output was not copied whole");
        this.host.tell({
          type: "warned",
          run,
          warning: `the setup task's output was not copied whole: ${problem}`,
        });
      },
      (error: unknown) => this.log.error({ run, err: error }, "the setup task's output could not be copied"),
    );
  }

  note(at: number, text: string): void {
    const line = `${new Date(at).toISOString()} ${this.host.nodeName} ${text}\n`;
    const folder = this.current === undefined ? undefined : this.folder(this.current);
    if (folder !== undefined && existsSync(folder)) this.append(join(folder, "execution.log"), line);
    else this.lines = [...this.lines, line].slice(-linesMax);
  }

  /** What runs goes on. */
  close(): void {
    clearInterval(this.ending);
  }

  private terminate(process: ShimProcess, graceMs: number): void {
    if (this.ending !== undefined) return;
    this.host.shims.signal(process, "SIGTERM");
    const again = Math.min(Math.max(shortestGraceMs, graceMs), 2 ** 30);
    this.ending = setInterval(() => this.host.shims.signal(process, "SIGQUIT"), again);
  }

  private async begin(run: string, task: SetupTaskPlan): Promise<void> {
    const { places, shims } = this.host;
    const folder = this.folder(run);
    const environment = { ...setupEnvironmentOf(task, places), STOKER_LEAVE_OFFSPRING: "1" };
    const directory = setupDirectoryOf(task, places);
    for (const name of this.earlier()) this.host.remove(join(this.host.folder, name));
    mkdirSync(join(folder, "work"), { recursive: true, mode: 0o755 });
    // A task may print what it was given.
    for (const name of ["stdout", "stderr", "execution.log"]) writeFileSync(join(folder, name), "", { mode: 0o600 });
    this.append(join(folder, "execution.log"), this.lines.join(""));
    this.lines = [];
    this.current = run;
    if (directory !== "") {
      const problem = await this.makeDirectory(directory);
      if (problem !== undefined) throw new Error(`the directory for its output could not be made: ${problem}`);
      this.follow(run, task);
    }
    if (this.calledOff?.run === run) throw new Error("it was called off");
    const process = await shims.start({
      dir: join(folder, "process"),
      argv: ["/bin/bash", "-c", script, "setup", join(folder, "stdout"), join(folder, "stderr"), task.commandLine],
      environment,
      cwd: join(folder, "work"),
    });
    this.watch(run, process);
    const uid = userInfo().uid;
    if (uid !== 0) {
      this.host.tell({ type: "warned", run, warning: `the setup task runs as user ${uid}: the agent is not root` });
    }
  }

  private watch(run: string, process: ShimProcess): void {
    this.process = process;
    process.exited.then(
      (exit) => this.ended(run, exit),
      (error: unknown) => this.ended(run, { exitCode: 137, signal: 9, lost: inWords(error) }),
    );
    if (this.calledOff?.run === run) this.terminate(process, this.calledOff.graceMs);
  }

  private ended(run: string, exit: Omit<TaskEnd, "errorTail">): void {
    clearInterval(this.ending);
    this.ending = undefined;
    this.process = undefined;
    this.host.tell({ type: "task-ended", run, end: { ...exit, errorTail: tail(join(this.folder(run), "stderr")) } });
  }

  /** It may be on a server that hangs. Files of an earlier run keep one generation. */
  private async makeDirectory(directory: string): Promise<string | undefined> {
    const names = this.names();
    const shared = this.host.jobsAreOthers ? levelsAbove(directory).flatMap((level) => ["--shared", level]) : [];
    const { problem, words } = await runLimited({
      argv: [this.host.shimPath, "folder", ...shared, directory, ...names],
      timeoutMs: directoryLimitMs,
      environment: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    });
    return problem === undefined ? undefined : `${problem}${words === "" ? "" : `: ${words}`}`;
  }

  private names(): string[] {
    const { nodeName } = this.host;
    return [`stdout-${nodeName}.txt`, `stderr-${nodeName}.txt`, `execution-${nodeName}.log`];
  }

  private files(run: string, directory: string): Array<{ from: string; to: string }> {
    const sources = ["stdout", "stderr", "execution.log"];
    return this.names().map((name, at) => ({
      from: join(this.folder(run), sources[at] ?? ""),
      to: join(directory, name),
    }));
  }

  private earlier(): string[] {
    return existsSync(this.host.folder) ? readdirSync(this.host.folder).filter((name) => /^\d+$/.test(name)) : [];
  }

  private append(path: string, text: string): void {
    try {
      appendFileSync(path, text);
    } catch (error) {
      this.log.warn({ err: error, path }, "a line of the setup's execution log could not be written");
    }
  }

  private folder(run: string): string {
    return join(this.host.folder, run);
  }
}

/** The task's own files for its output: what it leaves running may go on writing to them. */
const script = 'exec >>"$1" 2>>"$2" || exit; exec /bin/bash -c "$3"';

/** Its last lines. */
function tail(path: string): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return "";
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(tailBytes);
    const read = readSync(file, buffer, 0, tailBytes, Math.max(0, size - tailBytes));
    const lines = buffer.subarray(0, read).toString("utf8").trimEnd().split("\n");
    return lines.slice(-tailLines).join("\n").trim();
  } finally {
    closeSync(file);
  }
}

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error));
