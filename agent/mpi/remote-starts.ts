import type { Logger } from "pino";
import { unreachable } from "../../shared/assert.js";
import { type Clock, systemClock } from "../../shared/clock.js";
import type { LeaseId } from "../../shared/ids.js";
import type { RemoteRank } from "../core/diagnosis/remote.js";
import type { RemoteHost, RemoteStarts } from "../ports.js";
import { LauncherSide } from "./launcher-side.js";
import { TargetSide } from "./target-side.js";

/** While something waits for room in the session, or for an answer. */
const retryMs = 50;

/** MPI without ssh: both ends of a remote start, over the agents' sessions. */
export class SessionRemoteStarts implements RemoteStarts {
  private readonly launcher: LauncherSide;
  private readonly target: TargetSide;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(host: RemoteHost, log: Logger, clock: Clock = systemClock) {
    const kick = () => this.setTimer();
    this.target = new TargetSide(host, clock, kick, log);
    this.launcher = new LauncherSide(host, clock, (requestId) => this.target.stop({ requestId }), kick, log);
  }

  async listen(socketPath: string, openPath?: string): Promise<void> {
    await this.launcher.listen(socketPath);
    if (openPath !== undefined) await this.launcher.listen(openPath, true);
  }

  received(message: Parameters<RemoteStarts["received"]>[0]): void {
    switch (message.case) {
      case "remoteStart":
        this.target.start(message.value);
        return;
      case "remoteStop":
        this.target.stop(message.value);
        return;
      case "remoteOutput":
        this.launcher.output(message.value);
        return;
      case "remoteExit":
        this.launcher.exit(message.value);
        return;
      default:
        unreachable(message);
    }
  }

  connected(): void {
    this.launcher.connected();
    this.target.connected();
    this.flush();
  }

  async adopt(lease: LeaseId): Promise<void> {
    this.target.adopt(lease);
    this.setTimer();
  }

  ranks(lease: LeaseId): readonly RemoteRank[] {
    return this.target.ranks(lease);
  }

  leaseStopping(lease: LeaseId): void {
    this.target.leaseStopping(lease);
  }

  leaseGone(lease: LeaseId): void {
    this.launcher.leaseGone(lease);
    this.target.leaseGone(lease);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.target.close();
    await this.launcher.close();
  }

  private flush(): void {
    this.launcher.flush();
    this.target.flush();
    this.setTimer();
  }

  private setTimer(): void {
    if (this.timer !== undefined || this.closed || !(this.launcher.isBusy || this.target.isBusy)) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush();
    }, retryMs);
  }
}
