import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../shared/clock.js";
import type { RemoteStart, RemoteStop } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import type { RemoteRank } from "../core/diagnosis/remote.js";
import type { RemoteHost, RemoteLease } from "../ports.js";
import { Offspring } from "./offspring.js";
import { ownTemp, removeOwnTemp } from "./own-temp.js";
import { RemoteProcess } from "./remote-process.js";
import { requestIdPattern } from "./shim-protocol.js";

/** A start may come before this node's part of the gang is ready, or while its lease is frozen. */
const waitForLeaseMs = 60_000;
const processesMaxPerLease = 1_024;
/** Between SIGTERM and the end of whatever the stopped process has started. */
const stopGraceMs = 5_000;

/** A rank that dies sooner is not known by its number. */
const lookEveryMs = 1_000;

interface OfLease {
  spool: string;
  processes: Map<string, RemoteProcess>;
  stopping: boolean;
  offspring: Offspring;
}

/** Starts what launchers on other nodes ask for: under the same lease, with the environment of this node's ranks. */
export class TargetSide {
  private readonly leases = new Map<LeaseId, OfLease>();
  private readonly early = new Map<string, { start: RemoteStart; since: number }>();
  private readonly toAdopt = new Set<LeaseId>();
  private readonly starting = new Map<string, RemoteStart>();
  private readonly looking = setInterval(() => {
    for (const of of this.leases.values()) this.lookAt(of);
  }, lookEveryMs).unref();

  constructor(
    private readonly host: RemoteHost,
    private readonly clock: Clock,
    private readonly kick: () => void,
    private readonly log: Logger,
  ) {}

  get isBusy(): boolean {
    return this.early.size > 0 || this.toAdopt.size > 0 || this.all().some((process) => process.isBusy);
  }

  start(start: RemoteStart): void {
    const lease = parseLeaseId(start.leaseId)?.lease;
    if (lease === undefined || !requestIdPattern.test(start.requestId)) {
      this.log.warn(
        { request: start.requestId.slice(0, 64), lease: start.leaseId.slice(0, 64) },
        "a remote start makes no sense",
      );
      return;
    }
    const known = this.leases.get(lease)?.processes.get(start.requestId);
    if (known) {
      known.resendFrom(Number(start.stdoutOffset), Number(start.stderrOffset));
      this.kick();
      return;
    }
    if (this.starting.has(start.requestId)) {
      this.starting.set(start.requestId, start);
      return;
    }
    if (this.leases.get(lease)?.stopping) {
      this.refuse(start, "its attempt is being stopped");
      return;
    }
    const held = this.host.lease(lease);
    if (held) this.startUnder(lease, held, start);
    else
      this.early.set(start.requestId, {
        start,
        since: this.early.get(start.requestId)?.since ?? this.clock.monotonic(),
      });
    this.kick();
  }

  stop({ requestId }: Pick<RemoteStop, "requestId">): void {
    this.early.delete(requestId);
    for (const { processes } of this.leases.values()) {
      const known = processes.get(requestId);
      if (!known || known.hasEnded) continue;
      this.host.shims.signal(known.process, "SIGTERM");
      setTimeout(() => {
        if (!known.hasEnded) this.host.shims.signal(known.process, "SIGQUIT");
      }, stopGraceMs).unref();
    }
  }

  flush(): void {
    for (const lease of [...this.toAdopt]) this.adopt(lease);
    for (const [requestId, { start, since }] of [...this.early]) {
      const tooLate = this.clock.monotonic() - since > waitForLeaseMs;
      if (!tooLate && !this.isReady(start)) continue;
      this.early.delete(requestId);
      if (tooLate) this.refuse(start, "its attempt is not at work on this node");
      else this.start(start);
    }
    for (const process of this.all()) if (process.isBusy) process.pump();
  }

  connected(): void {
    for (const process of this.all()) process.tellAgain();
  }

  /** What an earlier agent started, as soon as the lease may work again. */
  adopt(lease: LeaseId): void {
    const held = this.host.lease(lease);
    if (held) this.toAdopt.delete(lease);
    else this.toAdopt.add(lease);
    if (!held) return;
    const dir = join(held.spool, "remote");
    if (!existsSync(dir)) return;
    for (const requestId of readdirSync(dir).filter((name) => requestIdPattern.test(name))) {
      this.adoptProcess(lease, held.spool, requestId).catch((error: unknown) =>
        this.log.error(
          { err: error, lease, request: requestId },
          "a remote process of an earlier agent could not be adopted",
        ),
      );
    }
  }

  /** With a last look at those that live. */
  ranks(lease: LeaseId): readonly RemoteRank[] {
    const of = this.leases.get(lease);
    if (!of) return [];
    this.lookAt(of);
    return of.offspring.ranks;
  }

  leaseStopping(lease: LeaseId): void {
    const of = this.leases.get(lease);
    if (of) of.stopping = true;
    for (const { start } of [...this.early.values()]) {
      if (start.leaseId !== lease) continue;
      this.early.delete(start.requestId);
      this.refuse(start, "its attempt is being stopped");
    }
  }

  leaseGone(lease: LeaseId): void {
    this.toAdopt.delete(lease);
    const of = this.leases.get(lease);
    if (!of) return;
    this.leases.delete(lease);
    for (const process of of.processes.values()) process.close();
    removeOwnTemp(of.spool);
  }

  close(): void {
    clearInterval(this.looking);
    for (const process of this.all()) process.close();
    this.leases.clear();
    this.early.clear();
  }

  private async adoptProcess(lease: LeaseId, spool: string, requestId: string): Promise<void> {
    const process = await this.host.shims.adopt(join(spool, "remote", requestId));
    const { processes } = this.of(lease, spool);
    if (!process || processes.has(requestId)) return;
    const adopted = new RemoteProcess({ requestId, leaseId: lease }, process, this.host, this.kick, this.log);
    processes.set(requestId, adopted);
    adopted.resumeAtEnd();
    this.kick();
  }

  private startUnder(lease: LeaseId, held: RemoteLease, start: RemoteStart): void {
    const of = this.of(lease, held.spool);
    if (of.processes.size >= processesMaxPerLease) {
      this.refuse(start, `its attempt has ${processesMaxPerLease} remote processes on this node already`);
      return;
    }
    this.starting.set(start.requestId, start);
    this.spawn(of, held, start)
      .then((process) => {
        of.processes.set(start.requestId, process);
        // A repeated request may have come meanwhile.
        const newest = this.starting.get(start.requestId) ?? start;
        process.resendFrom(Number(newest.stdoutOffset), Number(newest.stderrOffset));
      })
      .catch((error: unknown) =>
        this.refuse(start, `it could not be started: ${error instanceof Error ? error.message : String(error)}`),
      )
      .finally(() => {
        this.starting.delete(start.requestId);
        this.kick();
      });
  }

  private async spawn(of: OfLease, held: RemoteLease, start: RemoteStart): Promise<RemoteProcess> {
    const { requestId, leaseId } = start;
    const dir = join(held.spool, "remote", requestId);
    makeRemoteFolder(held.spool);
    // Started already by an earlier agent that had no time to say so.
    const earlier = await this.host.shims.adopt(dir);
    const process =
      earlier ??
      (await this.host.shims.start({
        dir,
        argv: held.within(["/bin/bash", "-c", remoteText(start.commandLine)]),
        environment: held.contained
          ? held.environment
          : { ...held.environment, TMPDIR: ownTemp(of.spool, held.environment.TMPDIR ?? "/tmp") },
        cwd: held.cwd,
        confine: held.confine,
      }));
    return new RemoteProcess({ requestId, leaseId }, process, this.host, this.kick, this.log);
  }

  private isReady(start: RemoteStart): boolean {
    const lease = parseLeaseId(start.leaseId)?.lease;
    return lease !== undefined && this.host.lease(lease) !== undefined;
  }

  private refuse({ requestId, leaseId }: RemoteStart, error: string): void {
    this.log.warn({ request: requestId, lease: leaseId, error }, "a remote start was refused");
    // When this is lost, the launcher asks again and is answered again.
    this.host.send({ case: "remoteExit", value: { requestId, leaseId, exitCode: 255, error } });
  }

  private lookAt({ processes, offspring }: OfLease): void {
    for (const remote of processes.values()) if (!remote.hasEnded) offspring.look(remote.process.pid);
  }

  private of(lease: LeaseId, spool: string): OfLease {
    const known = this.leases.get(lease) ?? {
      spool,
      processes: new Map(),
      stopping: false,
      offspring: new Offspring(),
    };
    this.leases.set(lease, known);
    return known;
  }

  private all(): RemoteProcess[] {
    return [...this.leases.values()].flatMap(({ processes }) => [...processes.values()]);
  }
}

/** What is written here counts together with what the lease's ranks write: the shim counts in the folder above its own. */
function makeRemoteFolder(spool: string): void {
  const folder = join(spool, "remote");
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  symlinkSync("../log-used", join(folder, "log-used"));
}

/** As sshd would start it: in the user's bash, which has read ~/.bashrc, where preparations put the paths of MPI. Quietly: ranks read it again. */
const remoteText = (commandLine: string) => `[ -r ~/.bashrc ] && . ~/.bashrc >/dev/null 2>&1\n${commandLine}`;
