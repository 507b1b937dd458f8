import { toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
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
    const gpuProcesses = said.gpuProcesses ? withTime(said.gpuProcesses, "time") : before?.gpuProcesses;
    const sample: Telemetry = {
      ...{ ...said, gpus: named },
      ...(said.logsWaiting ? { logsWaiting: withTime(said.logsWaiting, "since") } : {}),
      ...(host ? { host } : {}),
      ...(gpuProcesses ? { gpuProcesses } : {}),
    };
    this.latest.set(node, sample);
    return sample;
  }
}

const lastSecond = 253_402_300_799n;

/** Without a time that no calendar has: whatever shows it would fail. */
function withTime<M extends object, K extends keyof M>(message: M, field: K): M {
  const time = message[field] as Timestamp | undefined;
  const isOne = time === undefined || (time.seconds >= 0n && time.seconds <= lastSecond);
  if (isOne) return message;
  const { [field]: _, ...rest } = message;
  return rest as M;
}
