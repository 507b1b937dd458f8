import type { Socket } from "node:net";
import { LogStream, type RemoteExit, type RemoteOutput } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { frame, type LaunchWords } from "./shim-protocol.js";

/** Written to a shim that reads nothing, at most; what comes beyond it is asked for again when the shim has read. */
const unreadMaxBytes = 4 * 1024 * 1024;

/** One launcher's request, from its shim's first line to its exit code. */
export class Launch {
  /** True when the coordinator must be asked (again), with the offsets that are now reached. */
  mustAsk = true;
  /** When it was asked, and nothing has come since. */
  askedAt: number | undefined;
  private missing = false;
  private readonly reached: { stdout: number; stderr: number };

  constructor(
    readonly words: LaunchWords,
    private readonly socket: Socket,
    private readonly askAgain: () => void,
  ) {
    this.reached = { stdout: words.stdoutOffset, stderr: words.stderrOffset };
  }

  message() {
    const { request, lease, target, command } = this.words;
    return {
      case: "remoteStart" as const,
      value: {
        requestId: request,
        leaseId: lease,
        target,
        commandLine: command,
        stdoutOffset: BigInt(this.reached.stdout),
        stderrOffset: BigInt(this.reached.stderr),
      },
    };
  }

  output({ stream, offset, data }: RemoteOutput): void {
    this.askedAt = undefined;
    const name = stream === LogStream.STDERR ? "stderr" : "stdout";
    const skip = this.reached[name] - Number(offset);
    if (skip < 0) this.gap();
    if (skip < 0 || skip >= data.length) return;
    if (this.socket.writableLength > unreadMaxBytes) {
      this.missing = true;
      this.socket.once("drain", () => this.gap());
      return;
    }
    this.socket.write(frame(name === "stderr" ? "e" : "o", data.subarray(skip)));
    this.reached[name] += data.length - skip;
  }

  /** False when output before the end is missing: it is asked for again, and the exit comes after it once more. */
  exit({ exitCode, error, stdoutBytes, stderrBytes }: RemoteExit): boolean {
    this.askedAt = undefined;
    // This end may have been away when it was sent, and have asked for it again only now.
    if (this.reached.stdout < Number(stdoutBytes) || this.reached.stderr < Number(stderrBytes)) this.gap();
    if (this.missing) return false;
    if (error !== "") this.socket.write(frame("m", `${this.words.target}: ${error}`));
    this.socket.end(frame("x", String(exitCode)));
    return true;
  }

  asked(at: number): void {
    this.mustAsk = false;
    this.missing = false;
    this.askedAt = at;
  }

  close(): void {
    this.socket.destroy();
  }

  private gap(): void {
    if (this.mustAsk) return;
    this.missing = true;
    this.mustAsk = true;
    this.askAgain();
  }
}
