import { mkdirSync } from "node:fs";
import type { DiskReserve } from "../shared/disk-reserve.js";
import { Fault } from "../shared/fault.js";
import { Catalog } from "./catalog/catalog.js";
import type { Vault } from "./secrets/vault.js";

/** On a disk that was full already when we were started anew, with what is kept in reserve. */
export function openCatalog(dataDir: string, room: DiskReserve, vault: Vault): Catalog {
  try {
    return Catalog.open(dataDir, vault);
  } catch (error) {
    if (!(error instanceof Fault) || !room.spend()) throw error;
    return Catalog.open(dataDir, vault);
  }
}

export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid-argument", `--data-dir: ${path} cannot be made (${reason})`, { cause });
  }
}
