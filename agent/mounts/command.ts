import type { CommandMount } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountKind } from "./kind.js";
import { secretsIn } from "./redact.js";

/** `unmanagedFileSystems`: the user's own command with the path after it. It may hold a password: it is never told in an error. */
export const command: MountKind<CommandMount> = {
  errorCode: "UnmanagedFileSystemMountError",
  command: (value, path) => ["/bin/bash", "-c", `${value.command} ${quoted(path)}`],
  // Nobody can say what a command would mount: whatever is there was put there by it.
  matches: () => true,
  details: () => [],
  isUsers: true,
  secrets: (value) => secretsIn(value.command),
};

const quoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;
