import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Logger } from "pino";
import type { LeaseId } from "../../shared/ids.js";
import {
  deniedGpus,
  type GrantedShare,
  gpuInformation,
  killedForMemory,
  type LimitFile,
  limitsOfVersion1,
  limitsOfVersion2,
} from "../core/policy/limits.js";
import { type Hierarchies, hierarchies } from "./version-1.js";
import { enableControllers } from "./version-2.js";

const run = promisify(execFile);

export interface LimitsHost {
  data: string;
  shimPath: string;
  /** The control group (version 2) that holds those of the leases; undefined: there is none. */
  groups: string | undefined;
  /** Its unit takes the limits away again when the agent ends. */
  isReleased?: boolean;
  /** False: leases are not limited, nor kept from devices. */
  wanted: boolean;
  machineCpus: number;
  /** Where the driver tells of its GPUs. */
  gpuFolder?: string;
}

export interface Share extends GrantedShare {
  gpuUuids: readonly string[];
}

const oursPrefix = "stoker-";

/** Memory, processor time, number of processes and GPUs of each lease, by control groups of whichever version this machine lets us divide. */
export class LeaseLimits {
  private readonly controllers: readonly string[];
  private readonly old: Hierarchies;
  private readonly minors: ReadonlyMap<string, number>;
  /** Tells this agent's groups from those of others on the machine. */
  private readonly mark: string;

  constructor(
    private readonly host: LimitsHost,
    private readonly log: Logger,
  ) {
    this.mark = `${oursPrefix}${createHash("sha256").update(host.data).digest("hex").slice(0, 8)}-`;
    this.controllers =
      host.wanted && host.groups !== undefined ? enableControllers(host.groups, host.isReleased ?? false, log) : [];
    const missing = (["memory", "cpu", "pids", "devices"] as const).filter((each) =>
      each === "devices" ? host.groups === undefined : !this.controllers.includes(each),
    );
    this.old = host.wanted ? hierarchies(missing, this.mark) : {};
    this.minors = readMinors(host.gpuFolder ?? "/proc/driver/nvidia/gpus");
  }

  /** For people. */
  get words(): { limits: string; devices: string } {
    const names = ["memory", "cpu", "pids"] as const;
    const told = names.flatMap((name) => {
      if (this.controllers.includes(name)) return [`${name} (cgroup v2)`];
      return this.old[name] === undefined ? [] : [`${name} (cgroup v1)`];
    });
    const without = names.filter((name) => !told.some((words) => words.startsWith(name)));
    const limits = [told.join(", "), without.length > 0 ? `${without.join(", ")} not limited` : ""];
    return { limits: limits.filter(Boolean).join("; "), devices: this.deviceWords() };
  }

  /** Before anything of the lease is started; `group`: its control group of version 2. The groups of version 1 that its processes join. */
  async prepare(lease: LeaseId, group: string | undefined, share: Share): Promise<string[]> {
    if (!this.host.wanted) return [];
    const { cpus, memoryBytes } = share;
    if (group !== undefined)
      this.put(group, this.forControllers(limitsOfVersion2({ cpus, memoryBytes }, this.host.machineCpus)));
    const joined = this.prepareOld(lease, share);
    if (group !== undefined && this.minors.size > 0) await this.keepToDevices(group, share.gpuUuids);
    return joined;
  }

  /** A restart of the agent may have undone what the group was told. */
  again(group: string | undefined, { cpus, memoryBytes }: { cpus: number; memoryBytes: bigint }): void {
    const share = { cpus, memoryBytes: Number(memoryBytes) };
    if (group !== undefined && existsSync(group))
      this.put(group, this.forControllers(limitsOfVersion2(share, this.host.machineCpus)));
  }

  /** Of a group that was made again, which has no rule about devices yet. Without one nobody may enter it. */
  async anew(group: string, gpuUuids: readonly string[]): Promise<void> {
    if (this.minors.size === 0) return;
    try {
      await this.keepToDevices(group, gpuUuids);
    } catch (error) {
      this.log.error({ err: error, group }, "a control group takes no rule about devices: nothing is started in it");
      this.removeGroup(group);
    }
  }

  /** How many of its processes the kernel has killed for want of memory; undefined when it is not limited. */
  killed(lease: LeaseId, group: string | undefined): number | undefined {
    const files = [
      ...(group !== undefined && this.controllers.includes("memory") ? [join(group, "memory.events")] : []),
      ...(this.old.memory === undefined ? [] : [join(this.old.memory, `${this.mark}${lease}`, "memory.oom_control")]),
    ];
    const file = files.find((path) => existsSync(path));
    return file === undefined ? undefined : killedForMemory(readFileSync(file, "utf8"));
  }

  remove(lease: LeaseId): void {
    for (const folder of Object.values(this.old)) this.removeGroup(join(folder, `${this.mark}${lease}`));
  }

  /** Of leases that an earlier agent held. */
  sweep(held: ReadonlySet<string>): void {
    for (const folder of Object.values(this.old)) {
      for (const name of readdirSync(folder)) {
        if (name.startsWith(this.mark) && !held.has(name.slice(this.mark.length))) this.removeGroup(join(folder, name));
      }
    }
  }

  private prepareOld(lease: LeaseId, { cpus, memoryBytes, gpuUuids }: Share): string[] {
    const files = limitsOfVersion1({ cpus, memoryBytes }, this.host.machineCpus);
    const joined: string[] = [];
    for (const [controller, folder] of Object.entries(this.old)) {
      if (controller === "devices" && this.minors.size === 0) continue;
      const group = join(folder, `${this.mark}${lease}`);
      mkdirSync(group, { recursive: true });
      if (controller === "devices") {
        for (const rule of deniedGpus(this.kept(gpuUuids))) writeFileSync(join(group, "devices.deny"), rule);
      } else this.put(group, files[controller as keyof typeof files]);
      joined.push(group);
    }
    return joined;
  }

  private async keepToDevices(group: string, gpuUuids: readonly string[]): Promise<void> {
    await run(this.host.shimPath, ["devices", group, ...this.kept(gpuUuids).map(String)], { env: {}, timeout: 10_000 });
  }

  /** A part of a GPU (MIG) has another's number: of those all GPUs of the machine are left within reach. */
  private kept(gpuUuids: readonly string[]): number[] {
    if (gpuUuids.some((uuid) => !this.minors.has(uuid))) return [...this.minors.values()];
    return gpuUuids.flatMap((uuid) => this.minors.get(uuid) ?? []);
  }

  private forControllers(files: readonly LimitFile[]): LimitFile[] {
    return files.filter(({ name }) => this.controllers.includes(name.split(".")[0] ?? ""));
  }

  private put(group: string, files: readonly LimitFile[]): void {
    for (const { name, value } of files) {
      try {
        writeFileSync(join(group, name), value);
      } catch (error) {
        // Such as swap's, of a kernel that counts none.
        this.log.debug({ err: error, group, name, value }, "a control group does not take a limit");
      }
    }
  }

  private removeGroup(group: string): void {
    try {
      if (existsSync(group)) rmdirSync(group);
    } catch (error) {
      this.log.warn({ err: error, group }, "a control group is not empty, and stays");
    }
  }

  private deviceWords(): string {
    if (this.minors.size === 0) return "no GPUs whose devices are known";
    if (!this.host.wanted) return "none: permissions of the device files alone";
    if (this.host.groups !== undefined) return "only those that were granted (cgroup v2)";
    return this.old.devices === undefined
      ? "none: permissions of the device files alone"
      : "only those that were granted (cgroup v1)";
  }
}

function readMinors(folder: string): Map<string, number> {
  const found = new Map<string, number>();
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name, "information");
    const gpu = existsSync(file) ? gpuInformation(readFileSync(file, "utf8")) : undefined;
    if (gpu) found.set(gpu.uuid, gpu.minor);
  }
  return found;
}
