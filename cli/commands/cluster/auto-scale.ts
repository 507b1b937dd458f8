import { create } from "@bufbuild/protobuf";
import { ScaleSettingsSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { usage } from "../../failure.js";
import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const autoScale: Verb = {
  name: "auto-scale",
  description: "Let a cluster take and give back nodes by itself, as its jobs need them",
  example: "stoker cluster auto-scale -w lab -n gpus --min 0 --max 8",
  argument: "[name]",
  options: [
    nameOption("cluster"),
    workspaceOption,
    { flags: "--min <count>", description: "at least so many nodes" },
    { flags: "--max <count>", description: "at most so many" },
  ],
  async run(call) {
    const id = await call.childId("clusters", "cluster");
    const minimumNodeCount = call.whole("min");
    const maximumNodeCount = call.whole("max");
    if (minimumNodeCount === undefined || maximumNodeCount === undefined) {
      throw usage("--min and --max: give both bounds");
    }
    const scaleSettings = create(ScaleSettingsSchema, { autoScale: { minimumNodeCount, maximumNodeCount } });
    const session = await call.session();
    const { cluster } = await session.clusters.updateCluster({ id, scaleSettings }, session.limits);
    await session.summary("cluster", cluster);
    return undefined;
  },
};
