import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";

export type Sample = Omit<MessageInitShape<typeof TelemetrySchema>, "$typeName">;

/** One thing that is measured. What could not be measured is left out, and never zero. */
export interface Source {
  name: string;
  everyMs: number;
  sample(): Promise<Sample> | Sample;
}
