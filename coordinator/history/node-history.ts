import { join } from "node:path";
import { Gathered } from "./gathered.js";
import { RingFile, type Row } from "./ring-file.js";

/** A day finely, thirty days coarsely: 8,640 slots each. */
const fineMs = 10_000;
const coarseMs = 300_000;
const slots = 8_640;

export interface GpuSample {
  uuid: string;
  utilizationPercent?: number;
  memoryUsedBytes?: number;
  temperatureCelsius?: number;
  powerWatts?: number;
}

export interface NodeSample {
  cpuPercent?: number;
  memoryUsedBytes?: number;
  load1?: number;
  temperatureCelsius?: number;
  /** All interfaces together. */
  receivedBytesPerSecond?: number;
  sentBytesPerSecond?: number;
  /** Of the slowest file server that was used. */
  nfsExecutionMs?: number;
  /** Of the fullest disk. */
  diskFreePercent?: number;
  gpus: readonly GpuSample[];
}

/** One measured thing over time, in equal steps; NaN where nothing was measured. */
export interface Series {
  /** `cpu_percent`, or `gpu:<uuid>:utilization_percent`. */
  name: string;
  means: number[];
  mosts: number[];
}

const ofNode: ReadonlyArray<[name: string, of: (sample: NodeSample) => number | undefined]> = [
  ["cpu_percent", ({ cpuPercent }) => cpuPercent],
  ["memory_used_bytes", ({ memoryUsedBytes }) => memoryUsedBytes],
  ["load1", ({ load1 }) => load1],
  ["temperature_celsius", ({ temperatureCelsius }) => temperatureCelsius],
  ["network_receive_bytes_per_second", ({ receivedBytesPerSecond }) => receivedBytesPerSecond],
  ["network_send_bytes_per_second", ({ sentBytesPerSecond }) => sentBytesPerSecond],
  ["nfs_execution_ms", ({ nfsExecutionMs }) => nfsExecutionMs],
  ["disk_free_percent", ({ diskFreePercent }) => diskFreePercent],
];
const ofGpu = ["utilization_percent", "memory_used_bytes", "temperature_celsius", "power_watts"] as const;

/** Of a part of a GPU nothing else is measured. */
const ofPart = ["memory_used_bytes", "temperature_celsius"] as const;

type GpuColumn = (typeof ofGpu)[number];

/** MIG devices have names of their own. */
const columnsOf = (uuid: string): readonly GpuColumn[] => (uuid.startsWith("MIG-") ? ofPart : ofGpu);

/** A file's head has room for no more: 48 GPUs, or twice as many parts. */
const gpuColumnsMax = 192;

const ofColumn: Readonly<Record<GpuColumn, (gpu: GpuSample) => number | undefined>> = {
  utilization_percent: ({ utilizationPercent }) => utilizationPercent,
  memory_used_bytes: ({ memoryUsedBytes }) => memoryUsedBytes,
  temperature_celsius: ({ temperatureCelsius }) => temperatureCelsius,
  power_watts: ({ powerWatts }) => powerWatts,
};

function fitting(uuids: readonly string[]): readonly string[] {
  let columns = 0;
  return uuids.filter((uuid) => {
    columns += columnsOf(uuid).length;
    return columns <= gpuColumnsMax;
  });
}

/** What one node said of itself, in two files that never grow. */
export class NodeHistory {
  private readonly gpus: readonly string[];
  private readonly fine: RingFile;
  private readonly coarse: RingFile;
  private readonly columns: readonly string[];
  private readonly now: { fine: Gathered; coarse: Gathered };
  private slotAt = { fine: 0, coarse: 0 };

  constructor(folder: string, offered: readonly string[]) {
    this.gpus = fitting(offered);
    const { gpus } = this;
    this.columns = [
      ...ofNode.map(([name]) => name),
      ...gpus.flatMap((uuid) => columnsOf(uuid).map((name) => `gpu:${uuid}:${name}`)),
    ];
    const { columns } = this;
    this.fine = RingFile.open(join(folder, "day"), { columns, everyMs: fineMs, slots });
    this.coarse = RingFile.open(join(folder, "month"), { columns, everyMs: coarseMs, slots, mosts: true });
    this.now = { fine: new Gathered(columns.length), coarse: new Gathered(columns.length) };
  }

  /** True while its file has a place for each of these GPUs. */
  fits(gpus: readonly string[]): boolean {
    return fitting(gpus).every((uuid) => this.gpus.includes(uuid));
  }

  add(at: number, sample: NodeSample): void {
    const values = this.valuesOf(sample);
    this.turn("fine", at, fineMs);
    this.turn("coarse", at, coarseMs);
    this.now.fine.add(values);
    this.now.coarse.add(values);
  }

  /** In at most `steps` equal steps from `from` to `to`, no finer than what is kept. */
  read(from: number, to: number, steps: number, now: number): { stepMs: number; from: number; series: Series[] } {
    const fine = from >= now - fineMs * (slots - 1);
    const everyMs = fine ? fineMs : coarseMs;
    const stepMs = Math.max(everyMs, Math.ceil((to - from) / steps / everyMs) * everyMs);
    const first = Math.floor(from / stepMs) * stepMs;
    const count = Math.max(1, Math.ceil((to - first) / stepMs));
    const which = fine ? "fine" : "coarse";
    const rows = this[which].read(first, to);
    const at = this.slotAt[which];
    // What is still being gathered is the newest that there is.
    const gathered = this.now[which];
    if (!gathered.isEmpty && at >= first && at < to)
      rows.push({ at, means: Float32Array.from(gathered.means()), mosts: Float32Array.from(gathered.mosts()) });
    return { stepMs, from: first, series: this.seriesOf(rows, first, stepMs, count) };
  }

  /** What was gathered is written before its time: its slot gets the rest of it later, or none. */
  close(): void {
    this.write("fine", fineMs);
    this.write("coarse", coarseMs);
  }

  private seriesOf(rows: readonly Row[], first: number, stepMs: number, count: number): Series[] {
    return this.columns.map((name, column) => {
      const sums = new Array<number>(count).fill(0);
      const counts = new Array<number>(count).fill(0);
      const mosts = new Array<number>(count).fill(Number.NaN);
      for (const row of rows) {
        const step = Math.floor((row.at - first) / stepMs);
        const value = row.means[column] ?? Number.NaN;
        const highest = row.mosts[column] ?? Number.NaN;
        if (Number.isNaN(value) || step < 0 || step >= count) continue;
        sums[step] = (sums[step] ?? 0) + value;
        counts[step] = (counts[step] ?? 0) + 1;
        const most = mosts[step] ?? Number.NaN;
        mosts[step] = Number.isNaN(most) ? highest : Math.max(most, highest);
      }
      return { name, means: sums.map((sum, step) => sum / (counts[step] ?? 0)), mosts };
    });
  }

  private turn(which: "fine" | "coarse", at: number, everyMs: number): void {
    const slot = Math.floor(at / everyMs) * everyMs;
    if (slot === this.slotAt[which]) return;
    this.write(which, everyMs);
    this.slotAt[which] = slot;
  }

  private write(which: "fine" | "coarse", everyMs: number): void {
    const gathered = this.now[which];
    if (gathered.isEmpty || this.slotAt[which] < everyMs) return;
    this[which].write(this.slotAt[which], gathered.means(), gathered.mosts());
    gathered.clear();
  }

  private valuesOf(sample: NodeSample): number[] {
    const given = (value: number | undefined) => value ?? Number.NaN;
    const values = ofNode.map(([, of]) => given(of(sample)));
    for (const uuid of this.gpus) {
      const gpu = sample.gpus.find((each) => each.uuid === uuid);
      for (const column of columnsOf(uuid)) values.push(given(gpu && ofColumn[column](gpu)));
    }
    return values;
  }
}
