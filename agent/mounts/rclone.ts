import type { RcloneMount } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountKind } from "./kind.js";

const deviceOf = ({ account, container }: RcloneMount) => `azureblob:${account}/${container}`;

/** Containers of Azure Blob Storage. The key goes by rclone's environment. A file is seen elsewhere when it was closed, as with blobfuse. */
export const rclone: MountKind<RcloneMount> = {
  errorCode: "BFSMountError",
  command: (value, path, { cache }) => [
    "rclone",
    "mount",
    `:azureblob:${value.container}`,
    path,
    ...["--daemon", "--daemon-wait", "50s"],
    // None of the machine's own: all that counts is said here and in the environment.
    ...["--config", ""],
    ...["--devname", deviceOf(value)],
    ...["--cache-dir", cache],
    ...["--vfs-cache-mode", "writes"],
    ...["--vfs-write-back", "0s"],
    ...["--dir-cache-time", "5s"],
    "--allow-other",
    ...translated(value.options),
  ],
  matches: (value, { source, type }) => type === "fuse.rclone" && source === deviceOf(value),
  details: ({ account, container }) => [
    { name: "Account", value: account },
    { name: "Container", value: container },
  ],
  // What was closed is uploaded in the background, and what is not when rclone ends is gone.
  flush: (cache) => ["/bin/sh", "-c", uploadedScript, "sh", cache],
  secrets: ({ credentials }) => [credentials?.accountKey ?? ""],
  environment: ({ account, credentials }) => ({
    RCLONE_AZUREBLOB_ACCOUNT: account,
    RCLONE_AZUREBLOB_KEY: credentials?.accountKey ?? "",
  }),
};

/** rclone keeps a file of facts for each of its files. */
const uploadedScript = `while grep -rqs '"Dirty":true' "$1/vfsMeta"; do sleep 0.05; done`;

/** Of blobfuse's options those that mean something to rclone. */
function translated(options: string): string[] {
  const words = options.split(/[\s,]+/);
  const seconds = /^attr_timeout=(\d{1,6})$/;
  return words.flatMap((word) => {
    const timeout = seconds.exec(word)?.[1];
    if (timeout !== undefined) return ["--attr-timeout", `${timeout}s`];
    return word === "ro" ? ["--read-only"] : [];
  });
}
