import { create } from "@bufbuild/protobuf";
import {
  AzureBlobFileSystemReferenceSchema,
  AzureFileShareReferenceSchema,
  type AzureStorageCredentials,
  AzureStorageCredentialsSchema,
  FileServerReferenceSchema,
  type MountVolumes,
  MountVolumesSchema,
} from "../../shared/gen/stoker/v1/mount_pb.js";
import { usage } from "../failure.js";
import { childPath } from "../ids.js";

/** What flags and settings say about mounts. */
export interface VolumeFlags {
  /** The workspace's path, in which bare names are looked up. */
  workspace: string;
  nfs?: string | undefined;
  nfsMountPath?: string | undefined;
  afsName?: string | undefined;
  afsMountPath?: string | undefined;
  bfsName?: string | undefined;
  bfsMountPath?: string | undefined;
  storageAccount?: string | undefined;
  storageKey?: string | undefined;
  /** The share and the container that `az batchai` made for whoever had none. */
  autoStorage?: boolean;
}

const accountPlaceholder = "<AZURE_BATCHAI_STORAGE_ACCOUNT>";
const keyPlaceholder = "<AZURE_BATCHAI_STORAGE_KEY>";

/** The mounts of a body, with what `az batchai` did to them: flags append mounts, placeholders and missing accounts are filled in. */
export function volumesOf(given: MountVolumes | undefined, flags: VolumeFlags): MountVolumes | undefined {
  const volumes = create(MountVolumesSchema, given ?? {});
  appendFileServer(volumes, flags);
  appendShare(volumes, flags);
  appendContainer(volumes, flags);
  if (flags.autoStorage) appendAutoStorage(volumes);
  const fill = filler(flags);
  for (const share of volumes.azureFileShares) {
    share.accountName = fill(share.accountName);
    share.azureFileUrl = fill(share.azureFileUrl);
    share.accountName ||= /^https?:\/\/([^./]+)\./i.exec(share.azureFileUrl)?.[1] ?? "";
    share.credentials = credentialsOf(share.credentials, share.accountName, flags, fill);
  }
  for (const container of volumes.azureBlobFileSystems) {
    container.accountName = fill(container.accountName);
    container.containerName = fill(container.containerName);
    container.credentials = credentialsOf(container.credentials, container.accountName, flags, fill);
  }
  const count = [
    volumes.azureFileShares,
    volumes.azureBlobFileSystems,
    volumes.fileServers,
    volumes.unmanagedFileSystems,
  ].reduce((sum, list) => sum + list.length, 0);
  return given === undefined && count === 0 ? undefined : volumes;
}

/** Placeholders that nothing was given for. They stay: which account a share is of may not matter on this site. */
export function unfilled(volumes: MountVolumes | undefined): string[] {
  const text = JSON.stringify([volumes?.azureFileShares ?? [], volumes?.azureBlobFileSystems ?? []]);
  const left = [
    text.includes(accountPlaceholder) ? `${accountPlaceholder} (--storage-account-name)` : "",
    text.includes(keyPlaceholder) ? `${keyPlaceholder} (--storage-account-key)` : "",
  ].filter((part) => part !== "");
  return left.length === 0 ? [] : [`nothing was given for ${left.join(" and ")}`];
}

function filler({ storageAccount, storageKey }: VolumeFlags) {
  return (text: string) =>
    text
      .replaceAll(accountPlaceholder, storageAccount ?? accountPlaceholder)
      .replaceAll(keyPlaceholder, storageKey ?? keyPlaceholder);
}

function credentialsOf(
  given: AzureStorageCredentials | undefined,
  accountName: string,
  { storageAccount, storageKey }: VolumeFlags,
  fill: (text: string) => string,
): AzureStorageCredentials | undefined {
  if (given) return create(AzureStorageCredentialsSchema, { ...given, accountKey: fill(given.accountKey) });
  if (storageKey === undefined || accountName !== storageAccount) return undefined;
  return create(AzureStorageCredentialsSchema, { accountKey: storageKey });
}

function appendFileServer(volumes: MountVolumes, { nfs, nfsMountPath, workspace }: VolumeFlags): void {
  if (nfs === undefined) {
    if (nfsMountPath !== undefined) throw usage("--nfs-mount-path: give the file server too, with --nfs");
    return;
  }
  volumes.fileServers.push(
    create(FileServerReferenceSchema, {
      fileServer: { id: nfs.includes("/") ? nfs : childPath(workspace, "fileServers", nfs) },
      relativeMountPath: nfsMountPath ?? "nfs",
    }),
  );
}

function appendShare(volumes: MountVolumes, { afsName, afsMountPath, storageAccount }: VolumeFlags): void {
  if (afsName === undefined) return;
  if (storageAccount === undefined)
    throw usage("--afs-name: give the storage account too, with --storage-account-name");
  volumes.azureFileShares.push(
    create(AzureFileShareReferenceSchema, {
      accountName: storageAccount,
      azureFileUrl: `https://${storageAccount}.file.core.windows.net/${afsName}`,
      relativeMountPath: afsMountPath ?? "afs",
    }),
  );
}

function appendContainer(volumes: MountVolumes, { bfsName, bfsMountPath, storageAccount }: VolumeFlags): void {
  if (bfsName === undefined) return;
  if (storageAccount === undefined)
    throw usage("--bfs-name: give the storage account too, with --storage-account-name");
  volumes.azureBlobFileSystems.push(
    create(AzureBlobFileSystemReferenceSchema, {
      accountName: storageAccount,
      containerName: bfsName,
      relativeMountPath: bfsMountPath ?? "bfs",
    }),
  );
}

/** Batch AI's names for them; its account was one of the user's own, so the name of its resource group stands for it. */
const autoAccount = "batchaiautostorage";

function appendAutoStorage(volumes: MountVolumes): void {
  volumes.azureFileShares.push(
    create(AzureFileShareReferenceSchema, {
      accountName: autoAccount,
      azureFileUrl: `https://${autoAccount}.file.core.windows.net/batchaishare`,
      relativeMountPath: "autoafs",
    }),
  );
  volumes.azureBlobFileSystems.push(
    create(AzureBlobFileSystemReferenceSchema, {
      accountName: autoAccount,
      containerName: "batchaicontainer",
      relativeMountPath: "autobfs",
    }),
  );
}
