import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { exitCode } from "../../failure.js";
import { checkedName } from "../../ids.js";
import {
  accountOptions,
  configFileOption,
  idempotencyOption,
  nameOption,
  noWaitOption,
  workspaceOption,
} from "../../options.js";
import type { Verb } from "../../verb.js";
import { accountFlags, warn } from "../bodies.js";
import { olderConfig, olderLocation } from "../older.js";
import { untilServed } from "./until-served.js";

export const create: Verb = {
  name: "create",
  description: "Have a machine serve files to nodes by NFS, or name a filer that is there already",
  details:
    "Without --node and --existing, a machine serves it whose owner offers a folder (stoker-agent --serve-files FOLDER). Deleting a file server never deletes files.",
  example: "stoker file-server create -w lab -n filer --node gpu07 --directory /srv/data",
  argument: "[name]",
  options: [
    nameOption("file server"),
    workspaceOption,
    configFileOption("the body"),
    { flags: "--existing <host:/path>", description: "an NFS server that is there already" },
    { flags: "--node <name>", description: "the enrolled machine that is to serve it" },
    { flags: "--directory <path>", description: "what that machine serves; made when it is not there" },
    {
      flags: "--disk <device>",
      description: "a whole blank disk of that machine, such as /dev/sdb; several become one by RAID 0",
      repeatable: true,
    },
    {
      flags: "--client <network>",
      description: "who may mount it, such as 10.0.0.0/24 (default: all)",
      repeatable: true,
    },
    { flags: "--mount-options <options>", description: "default options for mounting it, such as rw,nfsvers=4.2" },
    { flags: "-s, --vm-size <class>", description: "of the machines that are offered, rather one of this class" },
    { flags: "--disk-count <count>", description: "times --disk-size: rather a machine with so much room" },
    { flags: "--disk-size <gigabytes>", description: "of one disk" },
    { flags: "--storage-sku <sku>", description: "kept as given" },
    { flags: "--caching-type <type>", description: "kept as given" },
    { flags: "--subnet <id>", description: "kept as given" },
    ...accountOptions,
    olderConfig,
    olderLocation,
    noWaitOption,
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("file server"), "file server");
    const parent = await call.workspace();
    const file = call.text("configFile") ?? call.text("config");
    const [{ readBody }, { loadFileServer }] = await Promise.all([
      import("../../body/read.js"),
      import("../../body/file-server.js"),
    ]);
    const { spec, warnings } = loadFileServer(file === undefined ? {} : await readBody(file, call.world), {
      ...(await accountFlags(call)),
      existing: call.text("existing"),
      node: call.text("node"),
      directory: call.text("directory"),
      disks: call.texts("disk"),
      clients: call.texts("client"),
      mountOptions: call.text("mountOptions"),
      vmSize: call.text("vmSize"),
      diskCount: call.whole("diskCount"),
      diskSize: call.whole("diskSize"),
      storageSku: call.text("storageSku"),
      cachingType: call.text("cachingType"),
      subnet: call.text("subnet"),
    });
    await warn(call, file, warnings);
    const session = await call.session();
    const { fileServer } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.fileServers.createFileServer({ parent, name, spec, idempotencyKey }, session.limits),
    );
    const made = call.waits
      ? await untilServed(fileServer, (id) => session.fileServers.getFileServer({ id }, session.limits))
      : fileServer;
    await session.summary("fileServer", made);
    if (made?.provisioningState !== ProvisioningState.FAILED) return undefined;
    for (const { message } of made.errors) await call.notice(message);
    return exitCode.failed;
  },
};
