import type { HeldLease, Hello, LeaseReport } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Inventory } from "../../../shared/gen/stoker/v1/node_pb.js";
import { type LeaseId, parseLeaseId } from "../../../shared/ids.js";
import { cut } from "../cut.js";
import type { FileServing } from "../file-servers/managed.js";
import type { CatalogLife } from "../restored.js";
import type { Instant, NodeGpu, NodeInventory, ResourceFault } from "../state.js";
import { type Cause, causeOf } from "./cause.js";
import { type Death, narrowDeaths } from "./deaths.js";

/** What agents send, believed only in these forms. A text instead of a value says what is wrong with it. */

export interface Introduction {
  readonly name: string;
  readonly address: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly inventory: NodeInventory;
  /** So much is it serving to others. */
  readonly exports: number;
  readonly held: readonly HeldId[];
  readonly witnessPort: number;
  readonly witnessSet: number;
  readonly obeyed?: CatalogLife;
}

export interface HeldId {
  readonly lease: LeaseId;
  /** Nothing of it is left; only its last reports are. */
  readonly over: boolean;
  readonly frozen?: { readonly since: Instant; readonly reason: string };
  readonly doing?: { readonly since: Instant; readonly step: string };
}

/** LEASE_PHASE_DONE; the enum itself is a value, which the core can't import. */
const phaseDone = 5;
const heldMax = 10_000;
/** The year 10000. */
const latestInstant = 253_402_300_800_000;
/** Some thousand years on, and far from where numbers are no longer exact. */
const latestVersion = 100_000_000_000_000n;

export function narrowHello(hello: Hello): Introduction | string {
  const { nodeName, address, agentVersion, bootId, inventory } = hello;
  if (!/^[A-Za-z0-9][-.\w]{0,254}$/.test(nodeName)) return `"${cut(nodeName, 80)}" can't be a node's name`;
  // It becomes a word on the command lines of launchers: never an option of theirs.
  if (!/^(?:[.:%\w][-.:%\w]{0,254})?$/.test(address)) return `"${cut(address, 80)}" can't be a node's address`;
  if (!inventory) return "the hello has no inventory";
  const gpus = inventory.gpus.map((gpu) => narrowGpu(gpu, inventory.gpus.length));
  const narrowed = { ...inventory, memoryBytes: Number(inventory.memoryBytes), gpus };
  const wrong = wrongInventory(narrowed);
  if (wrong !== undefined) return wrong;
  const held = narrowHeld(hello.leases);
  if (typeof held === "string") return held;
  const witnessSet = narrowVersion(hello.witnessSet);
  if (typeof witnessSet === "string") return witnessSet;
  if (hello.witnessPort > 65_535) return `${hello.witnessPort} can't be a port`;
  const obeyed = narrowLife(hello.obeyed);
  if (typeof obeyed === "string") return obeyed;
  const fileServing = narrowServing(inventory.fileServing);
  if (typeof fileServing === "string") return fileServing;
  const { machineClass, cpus, memoryBytes } = narrowed;
  const [os, kernel, cpuModel] = [cut(narrowed.os, 255), cut(narrowed.kernel, 255), cut(narrowed.cpuModel, 255)];
  const [driverVersion, cudaVersion] = [cut(narrowed.driverVersion, 100), cut(narrowed.cudaVersion, 100)];
  const runtime = cut(inventory.containerRuntime, 32);
  const offers = {
    ...(runtime === "" ? {} : { containers: { runtime, version: cut(inventory.containerRuntimeVersion, 100) } }),
    ...(inventory.prepares ? ({ prepares: true } as const) : {}),
    ...(inventory.reclaimable ? ({ reclaimable: true } as const) : {}),
    ...(inventory.isolation ? { isolation: narrowIsolation(inventory.isolation) } : {}),
    ...(inventory.gpuTrouble === "" ? {} : { gpuTrouble: cut(inventory.gpuTrouble, 500) }),
  };
  return {
    name: nodeName,
    address,
    agentVersion: cut(agentVersion, 100),
    bootId: cut(bootId, 100),
    inventory: {
      machineClass,
      os,
      kernel,
      cpus,
      cpuModel,
      memoryBytes,
      gpus,
      driverVersion,
      cudaVersion,
      ...offers,
      ...(fileServing ? { fileServing } : {}),
    },
    exports: inventory.fileServing?.exports ?? 0,
    held,
    witnessPort: hello.witnessPort,
    witnessSet,
    ...(obeyed ? { obeyed } : {}),
  };
}

const nicsMax = 16;

/** What its agent can't say, or says in a form that can't be, is not known. */
function narrowGpu(gpu: Inventory["gpus"][number], count: number): NodeGpu {
  const { uuid, index, model, memoryBytes, links, cpuAffinity, numaNode, nics, parentUuid } = gpu;
  const adapters = nics.filter((name) => /^[-.\w]{1,64}$/.test(name)).slice(0, nicsMax);
  return {
    ...{ uuid, index, model: cut(model, 255), memoryBytes: Number(memoryBytes) },
    ...(links.length === count && links.every((link) => /^\w{0,8}$/.test(link)) ? { links } : {}),
    ...(/^\d[-,\d]{0,199}$/.test(cpuAffinity) ? { cpuAffinity } : {}),
    ...(numaNode === undefined ? {} : { numaNode }),
    ...(adapters.length > 0 ? { nics: adapters } : {}),
    ...(/^[-.:\w]{1,100}$/.test(parentUuid) ? { parentUuid } : {}),
  };
}

const narrowIsolation = ({ accounts, limits, devices }: NonNullable<Inventory["isolation"]>) => ({
  ...{ accounts: cut(accounts, 500), limits: cut(limits, 200), devices: cut(devices, 200) },
});

function narrowServing(said: Inventory["fileServing"]): FileServing | string | undefined {
  if (!said) return undefined;
  const { server, folder, refused } = said;
  const freeBytes = Number(said.freeBytes);
  if (!/^\w{0,32}$/.test(server)) return "it serves files by nothing that can be";
  if (folder.length > 1_024 || (folder !== "" && !folder.startsWith("/"))) return "it offers no folder that can be";
  if (!isLength(freeBytes)) return "a disk can't have that much room";
  // Rounded, because what changes all the time would be written at each hello.
  return { server, folder, freeBytes: Math.floor(freeBytes / 2 ** 30) * 2 ** 30, refused };
}

function narrowLife(said: Hello["obeyed"]): CatalogLife | string | undefined {
  if (!said) return undefined;
  const epoch = Number(said.epoch);
  if (![said.catalog, said.life].every((id) => /^[-\w]{1,64}$/.test(id)) || !Number.isSafeInteger(epoch) || epoch < 0) {
    return "the hello names a catalog that can't be";
  }
  return { catalog: said.catalog, epoch, life: said.life };
}

/** Of witnesses: the moment of their making, or 0. */
export function narrowVersion(version: bigint): number | string {
  return version >= 0n && version <= latestVersion ? Number(version) : `${version} can't be a version of witnesses`;
}

function wrongInventory(inventory: {
  machineClass: string;
  cpus: number;
  memoryBytes: number;
  gpus: readonly NodeGpu[];
}): string | undefined {
  const { machineClass, cpus, memoryBytes, gpus } = inventory;
  if (machineClass.length > 255) return "the machine class is longer than 255 characters";
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > 65_536) return `${cpus} cores can't be`;
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < 1) return `${memoryBytes} bytes of memory can't be`;
  if (gpus.length > 1024) return `${gpus.length} GPUs can't be`;
  if (gpus.some(({ uuid }) => !/^[-.:\w]{1,100}$/.test(uuid))) return "a GPU has no usable uuid";
  if (gpus.some((gpu) => !isLength(gpu.memoryBytes))) return "a GPU can't have that much memory";
  if (new Set(gpus.map(({ uuid }) => uuid)).size < gpus.length) return "two GPUs have the same uuid";
  return undefined;
}

export function narrowHeld(leases: readonly HeldLease[]): HeldId[] | string {
  if (leases.length > heldMax) return `${leases.length} leases can't be held`;
  const held: HeldId[] = [];
  for (const { leaseId, phase, frozen, frozenSince, frozenReason, step, stepSince } of leases) {
    const parsed = parseLeaseId(leaseId);
    if (!parsed) return `"${leaseId.slice(0, 80)}" is not a lease`;
    const { lease } = parsed;
    const standstill = { since: instantOf(frozenSince), reason: cut(frozenReason, 200) };
    const doing = step === "" ? {} : { doing: { since: instantOf(stepSince), step: cut(step, 200) } };
    held.push({ lease, over: phase === phaseDone, ...(frozen ? { frozen: standstill } : {}), ...doing });
  }
  return held;
}

/** Milliseconds since the epoch; 0 for what is no time that a view could show. */
function instantOf(time: HeldLease["frozenSince"]): Instant {
  const ms = Number(time?.seconds ?? 0n) * 1000 + Math.trunc((time?.nanos ?? 0) / 1_000_000);
  return isLength(ms) && ms < latestInstant ? ms : 0;
}

const warningsMax = 8;

/** Why a rank died, as its node found out. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "rank-started" }
  | { readonly kind: "done"; readonly warnings: readonly string[]; readonly deaths: readonly Death[] }
  | {
      readonly kind: "rank-exited";
      readonly rank: number;
      readonly exitCode: number;
      readonly signal: number;
      readonly stdoutBytes: number;
      readonly stderrBytes: number;
      readonly stdoutDroppedBytes: number;
      readonly stderrDroppedBytes: number;
      readonly cause?: Cause;
    }
  | { readonly kind: "failed"; readonly fault: ResourceFault; readonly exitCode?: number };

export interface NarrowedReport {
  readonly lease: LeaseId;
  readonly sequence: number;
  readonly report: Report;
}

export function narrowReport(report: LeaseReport): NarrowedReport | string {
  const parsed = parseLeaseId(report.leaseId);
  if (!parsed) return `"${report.leaseId.slice(0, 80)}" is not a lease`;
  const sequence = Number(report.sequence);
  if (!Number.isSafeInteger(sequence) || sequence < 1) return `${sequence} can't be a report's number`;
  const event = narrowEvent(report.event);
  return typeof event === "string" ? event : { lease: parsed.lease, sequence, report: event };
}

function narrowEvent(event: LeaseReport["event"]): Report | string {
  switch (event.case) {
    case "ready":
      return { kind: "ready" };
    case "rankStarted":
      return { kind: "rank-started" };
    case "done":
      return {
        kind: "done",
        warnings: event.value.warnings.slice(0, warningsMax).map((text) => text.slice(0, 500)),
        deaths: narrowDeaths(event.value.deaths),
      };
    case "rankExited": {
      const { rank, exitCode, signal } = event.value;
      const stdoutBytes = Number(event.value.stdoutBytes);
      const stderrBytes = Number(event.value.stderrBytes);
      const stdoutDroppedBytes = Number(event.value.stdoutDroppedBytes);
      const stderrDroppedBytes = Number(event.value.stderrDroppedBytes);
      if (rank < 0 || exitCode < 0 || exitCode > 255 || signal < 0 || signal > 64) {
        return `rank ${rank} can't have ended with code ${exitCode} and signal ${signal}`;
      }
      const lengths = { stdoutBytes, stderrBytes, stdoutDroppedBytes, stderrDroppedBytes };
      if (!Object.values(lengths).every(isLength)) return "a log can't have that length";
      const cause = causeOf(event.value.diagnosis);
      return { kind: "rank-exited", rank, exitCode, signal, ...lengths, ...(cause ? { cause } : {}) };
    }
    case "failed": {
      const { error, exitCode } = event.value;
      if (!error || !/^\w{1,100}$/.test(error.code)) return "the failure has no code";
      const details = error.details
        .slice(0, 20)
        .map(({ name, value }) => ({ name: cut(name, 100), value: cut(value, 4000) }));
      const fault = { code: error.code, message: cut(error.message, 4000), details };
      return { kind: "failed", fault, ...(exitCode === undefined ? {} : { exitCode }) };
    }
    default:
      return "the report says nothing";
  }
}

const isLength = (bytes: number) => Number.isSafeInteger(bytes) && bytes >= 0;
