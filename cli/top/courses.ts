import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";

const kept = 60;

/** The last minute of each GPU's utilization, as far as it was watched. */
export class Courses {
  private readonly byGpu = new Map<string, number[]>();

  add(nodes: readonly Node[]): void {
    for (const { telemetry } of nodes) {
      for (const { uuid, utilizationPercent } of telemetry?.gpus ?? []) {
        const course = this.byGpu.get(uuid) ?? [];
        course.push(utilizationPercent ?? Number.NaN);
        this.byGpu.set(uuid, course.slice(-kept));
      }
    }
  }

  of(uuid: string): readonly number[] {
    return this.byGpu.get(uuid) ?? [];
  }
}
