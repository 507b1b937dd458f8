import { create } from "@bufbuild/protobuf";
import {
  DataDisksSchema,
  ExistingExportSchema,
  type FileServerSpec,
  FileServerSpecSchema,
  ManagedExportSchema,
  SshConfigurationSchema,
} from "../../shared/gen/stoker/v1/file_server_pb.js";
import { ResourceIdSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { usage } from "../failure.js";
import { type AccountFlags, accountOf } from "./account.js";
import { ignored, propertiesOf } from "./envelope.js";
import type { Loaded } from "./job.js";
import { conform } from "./shape.js";

export interface FileServerFlags extends AccountFlags {
  vmSize?: string | undefined;
  diskCount?: number | undefined;
  diskSize?: number | undefined;
  storageSku?: string | undefined;
  cachingType?: string | undefined;
  subnet?: string | undefined;
  /** An NFS server that is there already, as `host:/path`. */
  existing?: string | undefined;
  mountOptions?: string | undefined;
  /** An enrolled machine, and what it is to serve. */
  node?: string | undefined;
  directory?: string | undefined;
  disks?: string[];
  clients?: string[];
}

/** A file server's body, parsed (or an empty object when flags say everything). Flags win. */
export function loadFileServer(body: unknown, flags: FileServerFlags): Loaded<FileServerSpec> {
  const { value, root, unknown: beside } = propertiesOf(body);
  const { message: spec, unknown } = conform(FileServerSpecSchema, value, root);
  if (flags.vmSize !== undefined) spec.vmSize = flags.vmSize;
  if (flags.subnet !== undefined) spec.subnet = create(ResourceIdSchema, { id: flags.subnet });
  setDisks(spec, flags);
  const account = accountOf(spec.sshConfiguration?.userAccountSettings, flags);
  if (account) {
    spec.sshConfiguration ??= create(SshConfigurationSchema);
    spec.sshConfiguration.userAccountSettings = account;
  }
  setExisting(spec, flags);
  setManaged(spec, flags);
  setMountOptions(spec, flags);
  return { spec, warnings: ignored([...beside, ...unknown]) };
}

function setDisks(spec: FileServerSpec, { diskCount, diskSize, storageSku, cachingType }: FileServerFlags): void {
  if ([diskCount, diskSize, storageSku, cachingType].every((value) => value === undefined)) return;
  spec.dataDisks ??= create(DataDisksSchema);
  const disks = spec.dataDisks;
  if (diskCount !== undefined) disks.diskCount = diskCount;
  if (diskSize !== undefined) disks.diskSizeInGb = diskSize;
  if (storageSku !== undefined) disks.storageAccountType = storageSku;
  if (cachingType !== undefined) disks.cachingType = cachingType;
}

function setExisting(spec: FileServerSpec, { existing }: FileServerFlags): void {
  if (existing === undefined) return;
  const [, host, path] = /^(\[[^\]]+\]|[^:/]+):(\/.*)$/.exec(existing) ?? [];
  if (!host || !path) throw usage(`--existing: expected host:/path, found "${existing}"`);
  spec.existing ??= create(ExistingExportSchema);
  spec.existing.host = host;
  spec.existing.export = path;
}

function setManaged(spec: FileServerSpec, { node, directory, disks = [], clients = [] }: FileServerFlags): void {
  if (node === undefined && directory === undefined && disks.length === 0 && clients.length === 0) return;
  if (spec.existing)
    throw usage("--existing: names a filer that is there; --node, --directory, --disk and --client do not");
  spec.managed ??= create(ManagedExportSchema);
  if (node !== undefined) spec.managed.node = node;
  if (directory !== undefined) spec.managed.directory = directory;
  if (disks.length > 0) spec.managed.disks = disks;
  if (clients.length > 0) spec.managed.clients = clients;
  const named = spec.managed.directory !== "" || spec.managed.disks.length > 0;
  if (named && spec.managed.node === "") throw usage("--directory, --disk: say of which machine, with --node");
}

function setMountOptions(spec: FileServerSpec, { mountOptions }: FileServerFlags): void {
  if (mountOptions === undefined) return;
  if (!spec.existing) spec.managed ??= create(ManagedExportSchema);
  const holder = spec.existing ?? spec.managed;
  if (holder) holder.mountOptions = mountOptions;
}
