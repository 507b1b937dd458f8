import { checkedName } from "../../ids.js";
import {
  accountOptions,
  configFileOption,
  idempotencyOption,
  mountOptions,
  nameOption,
  workspaceOption,
} from "../../options.js";
import type { Verb } from "../../verb.js";
import { accountFlags, volumeFlags, warn } from "../bodies.js";
import { olderConfig, olderLocation } from "../older.js";

export const create: Verb = {
  name: "create",
  description: "Create a cluster, from a cluster.json, from flags, or from both (flags win)",
  example: "stoker cluster create -w lab -n gpus -s any -t 4",
  argument: "[name]",
  options: [
    nameOption("cluster"),
    workspaceOption,
    configFileOption("cluster.json"),
    { flags: "-s, --vm-size <class>", description: "machine class, an alias of one, or any" },
    { flags: "-t, --target <count>", description: "how many nodes it shall have" },
    { flags: "--min <count>", description: "at least so many nodes, with --max: scales by itself" },
    { flags: "--max <count>", description: "at most so many" },
    { flags: "--vm-priority <priority>", description: "dedicated or lowpriority" },
    { flags: "-i, --image <image>", description: "kept as given: machines here have their system already" },
    { flags: "--custom-image <id>", description: "kept as given" },
    {
      flags: "--setup-task <command>",
      description: "run as root in bash on every node that joins, and again after a reboot",
    },
    { flags: "--setup-task-output <path>", description: "where its output goes, such as '$AZ_BATCHAI_MOUNT_ROOT/nfs'" },
    { flags: "--subnet <id>", description: "kept as given" },
    ...accountOptions,
    ...mountOptions,
    { flags: "--use-auto-storage", description: "share autoafs and container autobfs of batchaiautostorage" },
    olderConfig,
    olderLocation,
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("cluster"), "cluster");
    const parent = await call.workspace();
    const file = call.text("configFile") ?? call.text("config");
    const [{ readBody }, { loadCluster }] = await Promise.all([
      import("../../body/read.js"),
      import("../../body/cluster.js"),
    ]);
    const { spec, warnings } = loadCluster(file === undefined ? {} : await readBody(file, call.world), {
      ...(await volumeFlags(call)),
      ...(await accountFlags(call)),
      vmSize: call.text("vmSize"),
      vmPriority: call.text("vmPriority"),
      image: call.text("image"),
      customImage: call.text("customImage"),
      target: call.whole("target"),
      min: call.whole("min"),
      max: call.whole("max"),
      setupTask: call.text("setupTask"),
      setupTaskOutput: call.text("setupTaskOutput"),
      subnet: call.text("subnet"),
    });
    await warn(call, file, warnings);
    const session = await call.session();
    const { cluster } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.clusters.createCluster({ parent, name, spec, idempotencyKey }, session.limits),
    );
    await session.summary("cluster", cluster);
    if (cluster?.shortage) await call.notice(`it has ${cluster.shortage}`);
    return undefined;
  },
};
