import { limitedOutput } from "./limited-output.js";
import type { Machine } from "./smi/ask.js";

/** One GPU as `nvidia-smi --query-gpu` tells it. Undefined is whatever it does not say. */
export interface GpuRow {
  index: number;
  uuid: string;
  model: string;
  memoryBytes: bigint | undefined;
  driverVersion: string | undefined;
  utilizationPercent: number | undefined;
  memoryUsedBytes: bigint | undefined;
  temperatureCelsius: number | undefined;
  powerWatts: number | undefined;
}

const fields = [
  ...["index", "uuid", "name", "memory.total", "driver_version"],
  ...["utilization.gpu", "memory.used", "temperature.gpu", "power.draw"],
] as const;
const limitMs = 10_000;

/** Units in the header (`memory.used [MiB]`) are those that the program always uses; a cell may repeat its unit. */
export function parseGpus(csv: string): GpuRow[] {
  const [header, ...lines] = csv.split(/\r?\n/).filter((line) => line.includes(","));
  const names = (header ?? "").split(",").map((name) => nameOnly(name.trim()));
  return lines.flatMap((line) => {
    const cells = line.split(",").map((cell) => cell.trim());
    const text = (name: (typeof fields)[number]) => {
      const cell = cells[names.indexOf(name)] ?? "";
      // [N/A], N/A, [Not Supported], [Unknown Error], [GPU requires reset]: said in place of a value.
      return cell === "" || /^\[.*\]$|^N\/A$/i.test(cell) ? undefined : cell;
    };
    const number = (name: (typeof fields)[number]) => {
      const value = /^(\d+(?:\.\d+)?)(?: (?:%|MiB|W))?$/.exec(text(name) ?? "")?.[1];
      return value === undefined ? undefined : Number(value);
    };
    const bytes = (name: (typeof fields)[number]) => {
      const mebibytes = number(name);
      return mebibytes === undefined ? undefined : BigInt(Math.round(mebibytes * 1024)) * 1024n;
    };
    const index = number("index");
    const uuid = text("uuid");
    const model = text("name");
    // A line that names no GPU is a message, not a row.
    if (index === undefined || uuid === undefined || model === undefined) return [];
    return {
      ...{ index, uuid, model, memoryBytes: bytes("memory.total"), driverVersion: text("driver_version") },
      ...{ utilizationPercent: number("utilization.gpu"), memoryUsedBytes: bytes("memory.used") },
      ...{ temperatureCelsius: number("temperature.gpu"), powerWatts: number("power.draw") },
    };
  });
}

/** Without the unit behind it. */
function nameOnly(title: string): string {
  const unit = title.endsWith("]") ? title.indexOf(" [") : -1;
  return unit < 0 ? title : title.slice(0, unit);
}

/** Undefined when this machine has no such program. Rejects when it fails or hangs. */
export async function readGpus(program: string): Promise<GpuRow[] | undefined> {
  try {
    return parseGpus(await limitedOutput(program, [`--query-gpu=${fields.join(",")}`, "--format=csv"], limitMs));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

export function machineOf(rows: readonly GpuRow[]): Machine {
  const driverVersion = rows.find((row) => row.driverVersion !== undefined)?.driverVersion;
  return {
    listed: rows.length,
    devices: rows.map(({ uuid, index, model, memoryBytes }) => ({ uuid, index, model, memoryBytes })),
    ...(driverVersion === undefined ? {} : { driverVersion }),
  };
}
