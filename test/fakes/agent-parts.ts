import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { notApart } from "../../agent/accounts/apartness.js";
import { Confinements } from "../../agent/accounts/confinements.js";
import type { AgentParts } from "../../agent/agent-parts.js";
import { Isolation } from "../../agent/isolation.js";
import { LeaseLimits } from "../../agent/limits/lease-limits.js";
import { Owner } from "../../agent/policy/owner.js";
import type { Logs, LogsHost } from "../../agent/ports.js";
import { InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { LeaseId } from "../../shared/ids.js";

/** All run as the agent does, as ever. */
function noIsolation(): Isolation {
  const host = { data: "/nonexistent", spoolRoot: "/nonexistent", door: undefined, path: "" };
  const own = { setting: { kind: "agent" }, isRoot: false, apartness: notApart, allowRoot: () => false } as const;
  const none = { data: "", shimPath: "", groups: undefined, wanted: false, machineCpus: 1 };
  const words = { accounts: "", limits: "", devices: "" };
  const limits = new LeaseLimits(none, pino({ level: "silent" }));
  return new Isolation(new Confinements({ ...host, ...own }, pino({ level: "silent" })), limits, false, words);
}

/** Parts that do nothing, for tests of what is between them. Logs are complete once the coordinator says they are stored. */
export function fakeParts(given: Partial<AgentParts> = {}): AgentParts {
  return {
    mounts: {
      setCluster: async () => {},
      clusterProblem: () => "",
      clusterFailure: () => undefined,
      mount: async () => {},
      unmountAll: async () => {},
      sweep: async () => {},
      watch: () => {},
      close: async () => {},
    },
    containers: {
      find: async () => undefined,
      start: async () => {},
      inside: () => undefined,
      remove: async () => "",
      sweep: async () => {},
      watch: () => {},
      close: () => {},
    },
    exports: {
      serving: () => ({ server: "", folder: "", freeBytes: 0, refused: false, exports: 0 }),
      start: () => {},
      set: () => {},
      states: () => [],
      close: () => {},
    },
    accounts: { make: async () => undefined, clear: async () => undefined },
    setupCopies: { start: () => {}, copied: () => 0, finish: async () => "" },
    copies: { start: () => {}, copied: () => Number.POSITIVE_INFINITY, finish: async () => "" },
    telemetry: {
      inventory: async () => create(InventorySchema, { cpus: 2 }),
      changed: () => {},
      latest: () => undefined,
      close: () => {},
    },
    gpus: () => ({
      offer: () => {},
      start: () => {},
      faults: () => [],
      problem: () => "",
      nodeFaults: () => [],
      unread: () => false,
      fault: () => "",
      tested: () => {},
      close: () => {},
    }),
    tests: () => ({ received: () => {}, beforeStart: async () => "", close: () => {} }),
    kernel: { start: () => {}, recent: () => [], counts: () => new Map(), close: () => {} },
    isolation: noIsolation(),
    owner: new Owner("/nonexistent", pino({ level: "silent" })),
    smiRuns: {},
    logs: (host) => new FakeLogs(host),
    remote: () => ({
      listen: async () => {},
      received: () => {},
      connected: () => {},
      adopt: async () => {},
      ranks: () => [],
      leaseStopping: () => {},
      leaseGone: () => {},
      close: async () => {},
    }),
    ...given,
  };
}

class FakeLogs implements Logs {
  problem(): undefined {
    return undefined;
  }

  waiting(): undefined {
    return undefined;
  }

  private readonly open = new Map<LeaseId, Map<string, number>>();

  constructor(private readonly host: LogsHost) {}

  connect(): void {}

  follow(lease: LeaseId, rank: number): void {
    const streams = this.open.get(lease) ?? new Map<string, number>();
    this.open.set(lease, streams);
    for (const stream of [1, 2]) streams.set(`${rank}.${stream}`, Number.POSITIVE_INFINITY);
  }

  ended(lease: LeaseId, rank: number, stdoutBytes: number, stderrBytes: number): void {
    for (const [stream, bytes] of [
      [1, stdoutBytes],
      [2, stderrBytes],
    ]) {
      if (bytes === 0) this.finish(lease, `${rank}.${stream}`);
      else this.open.get(lease)?.set(`${rank}.${stream}`, bytes ?? 0);
    }
  }

  stored(lease: LeaseId, rank: number, stream: number, offset: number): void {
    const length = this.open.get(lease)?.get(`${rank}.${stream}`) ?? 0;
    if (offset >= length) this.finish(lease, `${rank}.${stream}`);
  }

  complete(lease: LeaseId): boolean {
    return (this.open.get(lease)?.size ?? 0) === 0;
  }

  forget(lease: LeaseId): void {
    this.open.delete(lease);
  }

  async close(): Promise<void> {}

  private finish(lease: LeaseId, stream: string): void {
    if (this.open.get(lease)?.delete(stream) && this.complete(lease)) this.host.onComplete(lease);
  }
}
