import { closeSync, type FSWatcher, openSync, readSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { LogStream, type RemoteStart } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { RemoteHost, ShimExit, ShimProcess, StreamName } from "../ports.js";

const pieceBytes = 64 * 1024;
const names: readonly StreamName[] = ["stdout", "stderr"];
const streamOf = { stdout: LogStream.STDOUT, stderr: LogStream.STDERR };

/** One process that a launcher on another node asked for, and its output on the way there. */
export class RemoteProcess {
  private readonly sent: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  private readonly files: Partial<Record<StreamName, number>> = {};
  /** Both streams' positions are to be told, bytes or not: a receiver that lacks any then asks for them. */
  private mustTell = true;
  private exitSent = false;
  private exit: ShimExit | undefined;
  private watcher: FSWatcher | undefined;

  constructor(
    private readonly id: Pick<RemoteStart, "requestId" | "leaseId">,
    readonly process: ShimProcess,
    private readonly host: RemoteHost,
    private readonly kick: () => void,
    private readonly log: Logger,
  ) {
    try {
      this.watcher = watch(process.dir, () => this.pump());
      this.watcher.on("error", (error) =>
        log.warn({ err: error, dir: process.dir }, "a remote process can't be watched"),
      );
    } catch (error) {
      log.warn({ err: error, dir: process.dir }, "a remote process can't be watched");
    }
    process.exited
      .then((exit) => {
        this.exit = exit;
        this.watcher?.close();
        this.pump();
        this.kick();
      })
      .catch((error: unknown) => log.error({ err: error, dir: process.dir }, "a remote process's end is not known"));
  }

  get hasEnded(): boolean {
    return this.exit !== undefined;
  }

  /** True while something could not be sent. */
  get isBusy(): boolean {
    return this.mustTell || (this.exit !== undefined && !this.exitSent);
  }

  /** The launcher has this much. */
  resendFrom(stdout: number, stderr: number): void {
    this.sent.stdout = stdout;
    this.sent.stderr = stderr;
    this.tellAgain();
  }

  /** An earlier agent sent an unknown part of it: the receiver is told how much there is, and asks for what it lacks. */
  resumeAtEnd(): void {
    for (const name of names) this.sent[name] = this.length(name);
    this.tellAgain();
  }

  tellAgain(): void {
    this.mustTell = true;
    this.exitSent = false;
    this.pump();
  }

  pump(): void {
    try {
      if (this.mustTell && !names.every((name) => this.send(name, Buffer.alloc(0)))) return;
      this.mustTell = false;
      if (!names.every((name) => this.pumpStream(name))) return;
      if (this.exit === undefined || this.exitSent) return;
      const { exitCode, lost } = this.exit;
      const [stdoutBytes, stderrBytes] = [BigInt(this.sent.stdout), BigInt(this.sent.stderr)];
      const end = { exitCode, error: lost ?? "", stdoutBytes, stderrBytes };
      this.exitSent = this.host.send({ case: "remoteExit", value: { ...this.id, ...end } });
    } catch (error) {
      this.log.error({ err: error, dir: this.process.dir }, "a remote process's output can't be read");
    }
  }

  close(): void {
    this.watcher?.close();
    for (const fd of Object.values(this.files)) closeSync(fd);
    this.files.stdout = undefined;
    this.files.stderr = undefined;
  }

  /** False when the session takes no more: then the rest goes later. */
  private pumpStream(name: StreamName): boolean {
    for (let waiting = this.length(name) - this.sent[name]; waiting > 0; waiting -= pieceBytes) {
      const fd = this.files[name] ?? openSync(join(this.process.dir, name), "r");
      this.files[name] = fd;
      const data = Buffer.alloc(Math.min(waiting, pieceBytes));
      const read = readSync(fd, data, 0, data.length, this.sent[name]);
      if (!this.send(name, data.subarray(0, read))) {
        // Said again as a whole, so that a part which the session swallowed is missed.
        this.mustTell = true;
        this.kick();
        return false;
      }
      this.sent[name] += read;
    }
    return true;
  }

  private send(name: StreamName, data: Uint8Array): boolean {
    const offset = BigInt(this.sent[name]);
    return this.host.send({ case: "remoteOutput", value: { ...this.id, stream: streamOf[name], offset, data } });
  }

  private length(name: StreamName): number {
    return statSync(join(this.process.dir, name), { throwIfNoEntry: false })?.size ?? 0;
  }
}
