import type { GpuProcessList, Inventory, Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";

/** The machine's slow facts are told as often. */
const hostEveryMs = 10_000;

/**
 * What of a sample goes into a heartbeat. GPUs are named by their place in the inventory that the session began with, which is a tenth of the
 * bytes; what changes slowly is told once in a while.
 */
export class WireTelemetry {
  private places = new Map<string, number>();
  private hostToldAt = Number.NEGATIVE_INFINITY;
  private processesTold: GpuProcessList | undefined;

  constructor(private readonly monotonic: () => number) {}

  /** A session begins with this inventory. */
  hello(inventory: Inventory): Inventory {
    this.places = new Map(inventory.gpus.map(({ uuid }, at) => [uuid, at + 1]));
    this.hostToldAt = Number.NEGATIVE_INFINITY;
    this.processesTold = undefined;
    return inventory;
  }

  next(telemetry: Telemetry | undefined): Telemetry | undefined {
    if (!telemetry) return undefined;
    const { host, gpuProcesses, ...others } = telemetry;
    const isNews = gpuProcesses !== undefined && gpuProcesses !== this.processesTold;
    if (isNews) this.processesTold = gpuProcesses;
    const rest = isNews ? { ...others, gpuProcesses } : others;
    const gpus = telemetry.gpus.flatMap((gpu) => {
      const place = this.places.get(gpu.uuid);
      return place === undefined ? [] : [{ ...gpu, uuid: "", place }];
    });
    const now = this.monotonic();
    if (!host || now - this.hostToldAt < hostEveryMs) return { ...rest, gpus };
    this.hostToldAt = now;
    return { ...rest, gpus, host };
  }
}
