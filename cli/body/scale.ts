import { create } from "@bufbuild/protobuf";
import { type ScaleSettings, ScaleSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { usage } from "../failure.js";

/** `--target`, `--min` and `--max` as `az batchai` took them; nothing when none is given. */
export function scaleOf(flags: {
  target?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
}): ScaleSettings | undefined {
  const { target, min, max } = flags;
  if (min === undefined && max === undefined) {
    return target === undefined ? undefined : create(ScaleSettingsSchema, { manual: { targetNodeCount: target } });
  }
  if (min === undefined || max === undefined) throw usage("--min and --max: give both, or neither");
  if (min > max) throw usage(`--min ${min} is over --max ${max}`);
  if (min === max && (target === undefined || target === min)) {
    return create(ScaleSettingsSchema, { manual: { targetNodeCount: min } });
  }
  return create(ScaleSettingsSchema, {
    autoScale: { minimumNodeCount: min, maximumNodeCount: max, initialNodeCount: target ?? 0 },
  });
}
