import { toBinary } from "@bufbuild/protobuf";
import { type Telemetry, TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";

/** Nothing that a machine measures takes so much. */
const sampleBytesMax = 64 * 1024;

/** The latest that each node measured, as it would be told whole. */
export class Samples {
  private readonly latest = new Map<string, Telemetry>();

  /** Undefined when the node never sent one to this process. */
  of(node: string): Telemetry | undefined {
    return this.latest.get(node);
  }

  /** `gpus`: uuids of the inventory that the session began with. Undefined when the sample is too large to be kept. */
  take(node: string, gpus: readonly string[], said: Telemetry): Telemetry | undefined {
    if (toBinary(TelemetrySchema, said).length > sampleBytesMax) return undefined;
    const named = said.gpus.flatMap((gpu) => {
      const uuid = gpu.place === 0 ? gpu.uuid : gpus[gpu.place - 1];
      // Of a GPU that nobody knows it says nothing.
      return uuid === undefined ? [] : [{ ...gpu, uuid, place: 0 }];
    });
    // What changes slowly is not told each time.
    const before = this.latest.get(node);
    const host = said.host ?? before?.host;
    const gpuProcesses = said.gpuProcesses ?? before?.gpuProcesses;
    const sample: Telemetry = {
      ...{ ...said, gpus: named },
      ...(host ? { host } : {}),
      ...(gpuProcesses ? { gpuProcesses } : {}),
    };
    this.latest.set(node, sample);
    return sample;
  }
}
