import type { CifsMount } from "../../shared/gen/stoker/v1/mount_pb.js";
import { harmless, type MountKind } from "./kind.js";

const sourceOf = ({ host, share }: CifsMount) => `//${host}/${share}`;

/** Azure Files and other SMB shares. The password goes by a file, which mount.cifs reads before it mounts. */
export const cifs: MountKind<CifsMount> = {
  errorCode: "AZFMountError",
  command: (value, path, { secretFile }) => [
    "mount",
    ...["-t", "cifs"],
    ...["-o", optionsOf(value, secretFile)],
    sourceOf(value),
    path,
  ],
  matches: (value, { source, type }) => type === "cifs" && same(source, sourceOf(value)),
  details: ({ host, share, userName }) => [
    { name: "Server", value: host },
    { name: "Share", value: share },
    { name: "Account", value: userName },
  ],
  secrets: ({ credentials }) => [credentials?.accountKey ?? ""],
  secretFile: ({ userName, credentials }) => `username=${userName}\npassword=${credentials?.accountKey.trim() ?? ""}\n`,
};

const optionsOf = ({ fileMode, directoryMode }: CifsMount, secretFile: string) =>
  [
    "vers=3.0",
    `credentials=${secretFile}`,
    `file_mode=${fileMode || "0777"}`,
    `dir_mode=${directoryMode || "0777"}`,
    "serverino",
    harmless,
  ].join(",");

/** Neither the server nor we care for letter case. */
const same = (one: string, other: string) =>
  one.replace(/\/+$/, "").toLowerCase() === other.replace(/\/+$/, "").toLowerCase();
