import { checkedName } from "../../ids.js";
import { configFileOption, idempotencyOption, nameOption, noWaitOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { accountFlags, warn } from "../bodies.js";

export const create: Verb = {
  name: "create",
  description: "Name an NFS export that nodes can mount",
  example: "stoker file-server create -w lab -n filer --existing nas.lab:/data",
  argument: "[name]",
  options: [
    nameOption("file server"),
    workspaceOption,
    configFileOption("the body"),
    { flags: "--existing <host:/path>", description: "an NFS server that is there already" },
    { flags: "--mount-options <options>", description: "default options for mounting it, such as rw,nfsvers=4.2" },
    { flags: "-s, --vm-size <class>", description: "machine class that serves it" },
    { flags: "--disk-count <count>", description: "kept as given" },
    { flags: "--disk-size <gigabytes>", description: "kept as given" },
    { flags: "--storage-sku <sku>", description: "kept as given" },
    { flags: "--caching-type <type>", description: "kept as given" },
    { flags: "--subnet <id>", description: "kept as given" },
    { flags: "-u, --user-name <name>", description: "kept as given" },
    { flags: "-k, --ssh-key <key or file>", description: "kept as given" },
    { flags: "-p, --password <password>", description: "kept as given" },
    noWaitOption,
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("file server"), "file server");
    const parent = await call.workspace();
    const file = call.text("configFile");
    const [{ readBody }, { loadFileServer }] = await Promise.all([
      import("../../body/read.js"),
      import("../../body/file-server.js"),
    ]);
    const { spec, warnings } = loadFileServer(file === undefined ? {} : await readBody(file, call.world), {
      ...accountFlags(call),
      existing: call.text("existing"),
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
    await session.summary("fileServer", fileServer);
    return undefined;
  },
};
