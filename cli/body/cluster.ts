import { create } from "@bufbuild/protobuf";
import {
  type ClusterSpec,
  ClusterSpecSchema,
  ImageReferenceSchema,
  NodeSetupSchema,
  SetupTaskSchema,
  VirtualMachineConfigurationSchema,
} from "../../shared/gen/stoker/v1/cluster_pb.js";
import { ResourceIdSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { usage } from "../failure.js";
import { type AccountFlags, accountOf } from "./account.js";
import { ignored, join, propertiesOf } from "./envelope.js";
import type { Loaded } from "./job.js";
import { scaleOf } from "./scale.js";
import { conform } from "./shape.js";
import { unfilled, type VolumeFlags, volumesOf } from "./volumes.js";

export interface ClusterFlags extends VolumeFlags, AccountFlags {
  vmSize?: string | undefined;
  vmPriority?: string | undefined;
  image?: string | undefined;
  customImage?: string | undefined;
  target?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
  setupTask?: string | undefined;
  setupTaskOutput?: string | undefined;
  subnet?: string | undefined;
}

/** A real `cluster.json`, parsed (or an empty object when flags say everything), as the spec that is sent. Flags win. */
export function loadCluster(body: unknown, flags: ClusterFlags): Loaded<ClusterSpec> {
  const { value, root, unknown: beside } = propertiesOf(body);
  const { message: spec, unknown } = conform(ClusterSpecSchema, value, root);
  if (spec.scaleSettings?.manual && spec.scaleSettings.autoScale) {
    throw usage(`${join(root, "scaleSettings")}: found both manual and autoScale; a cluster has one of them`);
  }
  if (flags.vmSize !== undefined) spec.vmSize = flags.vmSize;
  if (flags.vmPriority !== undefined) spec.vmPriority = flags.vmPriority;
  const scale = scaleOf(flags);
  if (scale) spec.scaleSettings = scale;
  if (flags.subnet !== undefined) spec.subnet = create(ResourceIdSchema, { id: flags.subnet });
  setImage(spec, flags);
  const account = accountOf(spec.userAccountSettings, flags);
  if (account) spec.userAccountSettings = account;
  setTask(spec, flags);
  const volumes = volumesOf(spec.nodeSetup?.mountVolumes, flags);
  if (volumes) {
    spec.nodeSetup ??= create(NodeSetupSchema);
    spec.nodeSetup.mountVolumes = volumes;
  }
  return { spec, warnings: [...ignored([...beside, ...unknown]), ...unfilled(volumes)] };
}

const aliases: Record<string, string> = {
  ubuntults: "Canonical:UbuntuServer:16.04-LTS:latest",
  ubuntudsvm: "microsoft-ads:linux-data-science-vm-ubuntu:linuxdsvmubuntu:latest",
};

function setImage(spec: ClusterSpec, { image, customImage }: ClusterFlags): void {
  if (image === undefined && customImage === undefined) return;
  const [publisher, offer, sku, version, ...rest] = (aliases[image?.toLowerCase() ?? ""] ?? image ?? "").split(":");
  if (image !== undefined && (!publisher || !offer || !sku || !version || rest.length > 0)) {
    throw usage(`--image: expected UbuntuLTS, UbuntuDSVM or publisher:offer:sku:version, found "${image}"`);
  }
  const reference = create(ImageReferenceSchema, {
    ...(image === undefined
      ? {}
      : { publisher: publisher ?? "", offer: offer ?? "", sku: sku ?? "", version: version ?? "" }),
    virtualMachineImageId: customImage ?? "",
  });
  spec.virtualMachineConfiguration = create(VirtualMachineConfigurationSchema, { imageReference: reference });
}

function setTask(spec: ClusterSpec, { setupTask, setupTaskOutput }: ClusterFlags): void {
  if (setupTask === undefined && setupTaskOutput === undefined) return;
  if (setupTask === undefined) throw usage("--setup-task-output: give the task too, with --setup-task");
  if (setupTaskOutput === undefined) throw usage("--setup-task: give --setup-task-output too, where its output goes");
  spec.nodeSetup ??= create(NodeSetupSchema);
  spec.nodeSetup.setupTask ??= create(SetupTaskSchema);
  const task = spec.nodeSetup.setupTask;
  task.commandLine = setupTask;
  task.stdOutErrPathPrefix = setupTaskOutput;
}
