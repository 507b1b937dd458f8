import { GpuSite } from "../../gpu-faults/fault-site.js";
import { gpuFaults } from "../../gpu-faults/faults.js";
import { inject, type Seen } from "../../gpu-faults/inject.js";
import { percentile } from "../measure.js";

let measured: Promise<Seen[]> | undefined;

/** One after the other, so that none waits for another. Both figures are of the same faults. */
async function seen(): Promise<Seen[]> {
  const site = await GpuSite.start(6);
  try {
    const victims = await site.submit(gpuFaults.map((_, at) => `job${at + 1}`));
    const all: Seen[] = [];
    for (const [at, fault] of gpuFaults.entries()) {
      const victim = victims[at];
      // What leaves its GPU in service has no time to take it out.
      if (victim && fault.becomes !== "healthy") all.push(await inject(site, fault, victim));
    }
    return all;
  } finally {
    await site.stop();
  }
}

const both = () => {
  measured ??= seen();
  return measured;
};

/** From the fault to the GPU being out of service in the coordinator. */
export async function faultToDrain(): Promise<{ p50: number; p95: number }> {
  const samples = (await both()).map(({ drainMs }) => drainMs);
  return { p50: percentile(samples, 50), p95: percentile(samples, 95) };
}

/** From the fault to the first process of the job's next attempt. */
export async function faultToRerun(): Promise<{ p50: number; p95: number }> {
  const samples = (await both()).flatMap(({ rerunMs }) => (rerunMs === undefined ? [] : [rerunMs]));
  return { p50: percentile(samples, 50), p95: percentile(samples, 95) };
}
