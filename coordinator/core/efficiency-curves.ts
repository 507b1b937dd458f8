import { efficiencyOf, type GpuEfficiency } from "./efficiency.js";

/** One measured thing over time, in equal steps; NaN where nothing was measured. */
export interface Curve {
  readonly name: string;
  readonly means: readonly number[];
  readonly mosts: readonly number[];
}

/** What one GPU did for an attempt. */
export interface GpuCurves {
  readonly nodeName: string;
  readonly uuid: string;
  readonly index: number;
  readonly model: string;
  readonly memoryBytes: number;
  readonly efficiency: GpuEfficiency;
  readonly from: number;
  readonly stepMs: number;
  readonly curves: readonly Curve[];
}

/** As many steps are kept with a job: a curve on a wide screen. */
export const keptStepsMax = 300;

const kept = ["utilization_percent", "memory_used_bytes", "power_watts"] as const;

/** `read`: all that a node measured during the attempt, as finely as it is kept. */
export function curvesOf(
  gpu: Pick<GpuCurves, "nodeName" | "uuid" | "index" | "model" | "memoryBytes">,
  read: { readonly from: number; readonly stepMs: number; readonly series: readonly Curve[] },
): GpuCurves {
  const of = (name: string) => read.series.find((series) => series.name === `gpu:${gpu.uuid}:${name}`);
  const efficiency = efficiencyOf({
    utilizationPercent: of("utilization_percent")?.means ?? [],
    memoryUsedBytes: of("memory_used_bytes")?.mosts ?? [],
    powerWatts: of("power_watts")?.means ?? [],
  });
  const curves = kept.flatMap((name) => of(name) ?? []);
  const factor = Math.max(1, Math.ceil((curves[0]?.means.length ?? 0) / keptStepsMax));
  return {
    ...{ ...gpu, efficiency, from: read.from, stepMs: read.stepMs * factor },
    curves: curves.map((curve) => thinned(curve, factor)),
  };
}

/** Several steps become one, with their mean and their most. */
export function thinned({ name, means, mosts }: Curve, factor: number): Curve {
  const count = Math.ceil(means.length / factor);
  const each = (values: readonly number[], of: (known: number[]) => number) =>
    Array.from({ length: count }, (_, at) => {
      const known = values.slice(at * factor, (at + 1) * factor).filter((value) => !Number.isNaN(value));
      return known.length === 0 ? Number.NaN : of(known);
    });
  return {
    name,
    means: each(means, (known) => known.reduce((sum, value) => sum + value, 0) / known.length),
    mosts: each(mosts, (known) => Math.max(...known)),
  };
}
