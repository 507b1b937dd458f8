import { readdirSync } from "node:fs";
import { basename } from "node:path";
import type { Logger } from "pino";
import { type LeaseId, parseLeaseId } from "../shared/ids.js";
import type { Ledger, Stored } from "./ledger.js";

/** What an earlier agent has left on the disk. */
export interface LeftBehind {
  readonly stored: readonly Stored[];
  /** Also those whose entry can't be read. */
  readonly held: ReadonlySet<string>;
  /** Something of them is here, and they can't be taken up. */
  readonly unknown: readonly LeaseId[];
}

/** `folders`: where something of each lease has its name. */
export function leftBehind(ledger: Ledger, folders: readonly string[], log: Logger): LeftBehind {
  const unreadable = new Set<LeaseId>();
  const stored = ledger.load((file, why) => {
    log.error({ file, why }, "a ledger entry can't be read as it is");
    const id = parseLeaseId(basename(file).replace(/\.json\.unreadable$/, ""));
    if (id) unreadable.add(id.lease);
  });
  const known = new Set<string>(stored.map(({ run }) => run.id));
  const named = folders.flatMap((folder) => readdirSync(folder).flatMap((name) => parseLeaseId(name)?.lease ?? []));
  const unknown = [...new Set([...unreadable, ...named])].filter((lease) => !known.has(lease));
  return { stored, held: new Set<string>([...unreadable, ...known]), unknown };
}
