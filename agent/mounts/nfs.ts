import type { NfsMount } from "../../shared/gen/stoker/v1/mount_pb.js";
import { harmless, type MountKind } from "./kind.js";

const sourceOf = ({ host, export: exported }: NfsMount) =>
  // An IPv6 address needs brackets, or its last part would be the path.
  `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${exported}`;

export const nfs: MountKind<NfsMount> = {
  errorCode: "NFSMountError",
  command: (value, path) => [
    "mount",
    ...["-t", "nfs"],
    ...["-o", [value.options, harmless].filter(Boolean).join(",")],
    sourceOf(value),
    path,
  ],
  matches: (value, { source }) => trimmed(source) === trimmed(sourceOf(value)),
  details: (value) => [
    { name: "Server", value: value.host },
    { name: "Export", value: value.export },
    ...(value.options === "" ? [] : [{ name: "Options", value: value.options }]),
  ],
};

const trimmed = (source: string) => source.replace(/(.)\/+$/, "$1");
