import { existsSync, readFileSync } from "node:fs";
import type { VolumeFlags } from "../body/volumes.js";
import type { Call } from "../call.js";

/** The flags about mounts, with what settings add to them. */
export async function volumeFlags(call: Call): Promise<VolumeFlags> {
  const { storageAccount, storageKey } = await call.settings();
  return {
    workspace: await call.workspace(),
    nfs: call.text("nfs"),
    nfsMountPath: call.text("nfsMountPath"),
    afsName: call.text("afsName"),
    afsMountPath: call.text("afsMountPath"),
    bfsName: call.text("bfsName"),
    bfsMountPath: call.text("bfsMountPath"),
    storageAccount,
    storageKey,
  };
}

/** The account of a cluster's or file server's body: kept as given, for nodes here have accounts of their own. */
export function accountFlags(call: Call) {
  const key = call.text("sshKey");
  return {
    userName: call.text("userName"),
    sshKey: key !== undefined && existsSync(key) ? readFileSync(key, "utf8").trim() : key,
    password: call.text("password"),
  };
}

export async function warn(call: Call, file: string | undefined, warnings: readonly string[]): Promise<void> {
  for (const warning of warnings) await call.notice(`${file && file !== "-" ? `${file}: ` : ""}${warning}`);
}
