import { isUtf8 } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import type { Clock } from "../../shared/clock.js";
import type { RemoteExit, RemoteOutput } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { LeaseId } from "../../shared/ids.js";
import type { RemoteHost } from "../ports.js";
import { Launch } from "./launch.js";
import { frame, lineMaxBytes, readLaunchLine } from "./shim-protocol.js";

/** Asked once more when nothing was heard: the target may have been without a session. */
const askAgainMs = 3_000;
/** A shim whose lease this agent does not hold (yet: the agent may just have started) comes again after this time. */
const turnAwayMs = 500;
const launchesMax = 4_096;
/** Any account may open the socket. What it shows nothing of is not kept: neither for long, nor much of it. */
const strangersMax = 256;
const showWithinMs = 10_000;

/** The agent's socket: where `stoker-shim rsh` on this node asks for processes on others. */
export class LauncherSide {
  private readonly launches = new Map<string, Launch>();
  private readonly stops = new Map<string, LeaseId>();
  private readonly sockets = new Set<Socket>();
  /** Those that have not shown yet whose they are. */
  private readonly strangers = new Set<Socket>();
  private readonly servers: Server[] = [];
  private closing = false;

  constructor(
    private readonly host: RemoteHost,
    private readonly clock: Clock,
    /** Ends the process where it is on this very node: the coordinator takes our word as the target's then. */
    private readonly stopHere: (request: string) => void,
    private readonly kick: () => void,
    private readonly log: Logger,
  ) {}

  /** `open`: to all accounts of the machine, whose processes show their lease's pass. */
  async listen(path: string, open = false): Promise<void> {
    rmSync(path, { force: true });
    const server = createServer((socket) => this.accept(socket, open));
    server.maxConnections = 2 * launchesMax;
    this.servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    chmodSync(path, open ? 0o666 : 0o600);
    server.on("error", (error) => this.log.error({ err: error }, "the launchers' socket failed"));
  }

  get isBusy(): boolean {
    if (this.stops.size > 0) return true;
    return [...this.launches.values()].some((launch) => launch.mustAsk || launch.askedAt !== undefined);
  }

  /** Sends what waits. */
  flush(): void {
    const now = this.clock.monotonic();
    for (const launch of this.launches.values()) {
      if (launch.askedAt !== undefined && now - launch.askedAt > askAgainMs) launch.mustAsk = true;
      if (launch.mustAsk && this.host.send(launch.message())) launch.asked(now);
    }
    for (const [requestId, leaseId] of this.stops) {
      const sent = this.host.send({ case: "remoteExit", value: { requestId, leaseId, exitCode: 143, error: "" } });
      if (sent) this.stops.delete(requestId);
    }
  }

  connected(): void {
    for (const launch of this.launches.values()) launch.mustAsk = true;
  }

  output(message: RemoteOutput): void {
    this.launches.get(message.requestId)?.output(message);
  }

  exit(message: RemoteExit): void {
    if (this.launches.get(message.requestId)?.exit(message)) this.launches.delete(message.requestId);
  }

  leaseGone(lease: LeaseId): void {
    for (const [id, launch] of this.launches) {
      if (launch.words.lease !== lease) continue;
      this.launches.delete(id);
      launch.close();
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  private accept(socket: Socket, open: boolean): void {
    let text = Buffer.alloc(0);
    let launch: Launch | undefined;
    this.sockets.add(socket);
    if (open && this.strangers.size >= strangersMax) this.strangers.values().next().value?.destroy();
    this.strangers.add(socket);
    const tooLate = setTimeout(() => this.strangers.has(socket) && socket.destroy(), showWithinMs).unref();
    socket.on("data", (chunk: Buffer) => {
      text = Buffer.concat([text, chunk]);
      if (text.length > lineMaxBytes) return this.refuse(socket, "the request is too long");
      for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10)) {
        const bytes = text.subarray(0, end);
        // Elsewhere it could only arrive changed.
        if (!isUtf8(bytes)) return this.refuse(socket, "the request is not UTF-8");
        const line = bytes.toString();
        text = text.subarray(end + 1);
        if (!launch) launch = this.begin(socket, line, open);
        else if (line === "stop") this.stop(launch);
      }
    });
    socket.on("error", (error) => this.log.debug({ err: error }, "a launcher's shim broke off"));
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.strangers.delete(socket);
      clearTimeout(tooLate);
      // The shim is gone without an exit code: whoever called it has no more use for what it started.
      if (launch && !this.closing && this.launches.get(launch.words.request) === launch) {
        this.launches.delete(launch.words.request);
        this.stop(launch);
      }
    });
  }

  private begin(socket: Socket, line: string, open: boolean): Launch | undefined {
    const words = readLaunchLine(line);
    if (typeof words === "string") {
      this.refuse(socket, words);
      return undefined;
    }
    const lease = this.host.lease(words.lease);
    if (lease === undefined) {
      setTimeout(() => socket.destroy(), turnAwayMs);
      return undefined;
    }
    if (open && !isPass(words.pass, lease.pass)) {
      this.refuse(socket, "it is no process of that lease");
      return undefined;
    }
    this.strangers.delete(socket);
    if (this.launches.size >= launchesMax) {
      this.refuse(socket, `${launchesMax} remote processes are under way already`);
      return undefined;
    }
    const former = this.launches.get(words.request);
    const launch = new Launch(words, socket, this.kick);
    this.launches.set(words.request, launch);
    former?.close();
    this.flush();
    this.kick();
    return launch;
  }

  private stop(launch: Launch): void {
    this.stops.set(launch.words.request, launch.words.lease);
    this.stopHere(launch.words.request);
    this.flush();
    this.kick();
  }

  private refuse(socket: Socket, reason: string): void {
    this.log.warn({ reason }, "a request on the launchers' socket was refused");
    socket.write(frame("m", reason));
    socket.end(frame("x", "255"));
  }
}

function isPass(shown: string, known: string | undefined): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return known !== undefined && known !== "" && timingSafeEqual(digest(shown), digest(known));
}
