import { create } from "@bufbuild/protobuf";
import { ScaleSettingsSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { usage } from "../../failure.js";
import { nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const resize: Verb = {
  name: "resize",
  description: "Give a cluster another number of nodes, and end its scaling by itself",
  example: "stoker cluster resize -w lab -n gpus -t 2 --when-busy waitforjobcompletion",
  argument: "[name]",
  options: [
    nameOption("cluster"),
    workspaceOption,
    { flags: "-t, --target <count>", description: "how many nodes it shall have" },
    {
      flags: "--when-busy <option>",
      description: "of jobs on nodes that go: requeue (default), terminate or waitforjobcompletion",
    },
  ],
  async run(call) {
    const id = await call.childId("clusters", "cluster");
    const targetNodeCount = call.whole("target");
    if (targetNodeCount === undefined) throw usage("--target: say how many nodes the cluster shall have");
    const nodeDeallocationOption = call.text("whenBusy") ?? "";
    const scaleSettings = create(ScaleSettingsSchema, { manual: { targetNodeCount, nodeDeallocationOption } });
    const session = await call.session();
    const { cluster } = await session.clusters.updateCluster({ id, scaleSettings }, session.limits);
    await session.summary("cluster", cluster);
    return undefined;
  },
};
