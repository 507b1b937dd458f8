import { UsageSchema } from "../../../shared/gen/stoker/v1/usage_pb.js";
import { view } from "./view.js";

export const usage = view({
  schema: UsageSchema,
  columns: [
    ["Value", ({ name }) => name?.localizedValue ?? ""],
    ["Usage", ({ currentValue }) => String(currentValue)],
    ["Limit", ({ limit }) => (limit === undefined ? "none" : String(limit))],
  ],
});
