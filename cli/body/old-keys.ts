/** Keys that real files hold and that mean nothing here: written by older versions, by other tools, or by the service itself. */
const anywhere = ["$schema", "$comment", "comment"];

const envelope = ["id", "name", "type", "etag", "location", "tags", "toolType", "experimentName"];
const told = ["creationTime", "provisioningState", "provisioningStateTransitionTime"];

const byMessage: Record<string, readonly string[]> = {
  JobSpec: [
    ...envelope,
    ...told,
    "uuid",
    "executionState",
    "executionStateTransitionTime",
    "executionInfo",
    "jobOutputDirectoryPathSegment",
    "attempt",
    "attempts",
  ],
  ClusterSpec: [
    ...envelope,
    ...told,
    "allocationState",
    "allocationStateTransitionTime",
    "currentNodeCount",
    "nodeStateCounts",
    "errors",
    "shortage",
  ],
  FileServerSpec: [...envelope, ...told, "mountSettings"],
  OutputDirectory: ["type", "createNew"],
  SetupTask: ["runElevated"],
  CustomToolkitSettings: ["processCount"],
  JobConstraints: ["maxRetryCount"],
  // Of the imageReference below it.
  VirtualMachineConfiguration: ["publisher", "offer", "sku", "version", "virtualMachineImageId"],
  AzureFileShareReference: ["credentialsInfo"],
  AzureBlobFileSystemReference: ["credentialsInfo"],
};

/** True for a key that is left out without a word. `typeName` is a message's name in the proto files. */
export function isOldKey(typeName: string, key: string): boolean {
  const name = typeName.slice(typeName.lastIndexOf(".") + 1);
  return anywhere.includes(key) || (byMessage[name]?.includes(key) ?? false);
}

/** Beside `properties`. */
export const isEnvelopeKey = (key: string) => anywhere.includes(key) || envelope.includes(key);
