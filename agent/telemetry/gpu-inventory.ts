import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Logger } from "pino";
import { machineOf, readGpus } from "./nvidia-smi.js";
import { askMachine, askTopology, failureOf, type Machine, machineIn } from "./smi/ask.js";
import { stillOffered } from "./smi/devices.js";
import type { SmiDocument } from "./smi/document.js";
import type { SmiFailure } from "./smi/failure.js";
import type { GpuPlace, Topology } from "./smi/topology.js";

/** The GPUs that a machine has to offer, how they are connected, and why there are none. */
export interface OfferedGpus extends Machine {
  topology?: Topology;
  /** In words, of a machine whose GPUs can't be asked; "" when they can, or it has no NVIDIA driver. */
  trouble: string;
}

export interface GpuInventoryOptions {
  program: string;
  /** Where what was found in this boot is kept; undefined: nowhere. */
  file?: string;
  boot?: string;
}

const none: OfferedGpus = { devices: [], listed: 0, trouble: "" };

/**
 * What nvidia-smi lists. An agent that begins again in the same boot takes what it knew, for it has ranks to take up and nvidia-smi may hang;
 * it looks again soon afterwards. A driver that comes later brings its GPUs with it.
 */
export class GpuInventory {
  private offered: OfferedGpus = none;
  /** What is known was found by this process. */
  private fresh = false;

  constructor(
    private readonly options: GpuInventoryOptions,
    private readonly log: Logger,
  ) {}

  get now(): OfferedGpus {
    return this.offered;
  }

  /** Never rejects. */
  async first(): Promise<OfferedGpus> {
    const kept = this.kept();
    if (kept) {
      this.offered = kept;
      return kept;
    }
    const { machine, trouble } = await this.ask();
    if (trouble !== "") this.log.error(`this machine offers no GPUs until they can be asked: ${trouble}`);
    this.offered = { ...none, ...machine, trouble, ...(await this.connected(machine ?? none)) };
    this.fresh = true;
    this.keep();
    return this.offered;
  }

  /** True when something else is offered after this whole reading. */
  async seen(document: SmiDocument): Promise<boolean> {
    const before = this.offered;
    const machine = await machineIn(this.options.program, document);
    // A restart of the agent is an owner's word that what is gone is gone.
    if (this.fresh) machine.devices = stillOffered(before.devices, machine.devices, document);
    this.fresh = true;
    const same = uuidsOf(machine) === uuidsOf(before);
    const { topology: known } = before;
    const topology = same ? (known ? { topology: known } : {}) : await this.connected(machine);
    this.offered = { ...machine, trouble: "", ...topology };
    return this.changed(before);
  }

  /** True when that is news. */
  failed({ kind, sentence }: SmiFailure): boolean {
    const before = this.offered;
    if (before.devices.length > 0) return false;
    this.offered = { ...before, trouble: kind === "not-installed" ? "" : sentence };
    return this.changed(before);
  }

  private changed(before: OfferedGpus): boolean {
    if (textOf(before) === textOf(this.offered)) return false;
    this.keep();
    // How many the driver lists is told to nobody: it is for who reads the samples.
    return textOf({ ...before, listed: 0 }) !== textOf({ ...this.offered, listed: 0 });
  }

  private async ask(): Promise<{ machine?: Machine; trouble: string }> {
    const { program } = this.options;
    const asked = await askMachine(program);
    if (asked.state === "answered") return { machine: asked.machine, trouble: "" };
    if (asked.state === "failed")
      return { trouble: asked.failure.kind === "not-installed" ? "" : asked.failure.sentence };
    try {
      return { machine: machineOf((await readGpus(program)) ?? []), trouble: "" };
    } catch (error) {
      return { trouble: failureOf(error).sentence };
    }
  }

  private async connected({ devices }: Machine): Promise<{ topology?: Topology }> {
    const several = new Set(devices.map(({ index }) => index)).size > 1;
    const topology = several ? await askTopology(this.options.program) : undefined;
    return topology ? { topology } : {};
  }

  private keep(): void {
    const { file, boot } = this.options;
    if (file === undefined) return;
    try {
      writeFileSync(`${file}.new`, JSON.stringify({ boot, offered: this.offered }, plain), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      // A full disk, or a folder that is away: the next start asks.
      if (!(error instanceof Error && "code" in error)) throw error;
      this.log.warn({ err: error }, "what is known of the GPUs could not be kept");
    }
  }

  private kept(): OfferedGpus | undefined {
    const { file, boot } = this.options;
    if (file === undefined) return undefined;
    try {
      const read: unknown = JSON.parse(readFileSync(file, "utf8"), lively);
      return isKept(read) && read.boot === boot && read.offered.devices.length > 0 ? read.offered : undefined;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof Error && "code" in error)) throw error;
      return undefined;
    }
  }
}

const uuidsOf = ({ devices }: Machine) => devices.map(({ uuid }) => uuid).join();

const textOf = (offered: OfferedGpus) => JSON.stringify(offered, plain);

/** Our own file, of this version or another. */
const isKept = (read: unknown): read is { boot: string; offered: OfferedGpus } =>
  typeof read === "object" &&
  read !== null &&
  "offered" in read &&
  typeof read.offered === "object" &&
  read.offered !== null &&
  "devices" in read.offered &&
  Array.isArray(read.offered.devices) &&
  "listed" in read.offered;

/** What JSON has no form for. */
function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return { bigint: String(value) };
  return value instanceof Map ? { map: [...value] } : value;
}

function lively(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("bigint" in value && typeof value.bigint === "string") return BigInt(value.bigint);
  return "map" in value && Array.isArray(value.map) ? new Map<number, GpuPlace>(value.map) : value;
}
