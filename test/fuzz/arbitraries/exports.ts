import fc from "fast-check";
import { ExportStatesSchema } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { uuid } from "../../build.js";
import { message } from "./message.js";

/** A file server of node a. */
export const servedServer = uuid(999);

/** What an agent says of what it serves. */
export const exportsEvent = fc.record({
  kind: fc.constant("agent-exports" as const),
  session: fc.constantFrom("s1", "s2", "s3"),
  node: fc.constantFrom("a", "b", "c"),
  states: message(ExportStatesSchema, {
    likely: {
      id: fc.constant(servedServer),
      phase: fc.integer({ min: 0, max: 4 }),
      mountPoint: fc.constantFrom("/data", "data"),
      port: fc.constantFrom(0, 2049),
    },
  }),
});
