import type { Served } from "./served.js";

export interface GaneshaPlaces {
  /** Where it keeps which clients hold what, over its restarts. */
  recovery: string;
  port: number;
}

/** The whole configuration of NFS-Ganesha: NFS 4 over TCP, which needs no other daemon. */
export function ganeshaConfig(exports: readonly Served[], { recovery, port }: GaneshaPlaces): string {
  return [
    `NFS_CORE_PARAM { Protocols = 4; NFS_Port = ${port}; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;`,
    // As of version 6 it ends where it may not (PR_SET_IO_FLUSHER takes CAP_SYS_RESOURCE). Earlier ones warn that they don't know the word.
    "  allow_set_io_flusher_fail = true; }",
    // Short, so that clients go on soon after it was started anew.
    `NFSv4 { Grace_Period = 10; Lease_Lifetime = 10; RecoveryRoot = ${quoted(recovery)}; Only_Numeric_Owners = true; }`,
    ...exports.map(exportBlock),
    "",
  ].join("\n");
}

function exportBlock({ number, directory, mountPoint, clients }: Served): string {
  const access = "Access_Type = RW; Squash = No_Root_Squash;";
  const who =
    clients.length === 0 ? access : `Access_Type = NONE; CLIENT { Clients = ${clients.join(", ")}; ${access} }`;
  return [
    "EXPORT {",
    `  Export_Id = ${number}; Path = ${quoted(directory)}; Pseudo = ${quoted(mountPoint)};`,
    `  SecType = sys; Protocols = 4; Transports = TCP; ${who}`,
    "  FSAL { Name = VFS; }",
    "}",
  ].join("\n");
}

const quoted = (text: string) => `"${text}"`;
