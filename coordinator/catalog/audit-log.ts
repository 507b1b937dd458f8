import { hostname } from "node:os";
import type { Database, Statement } from "better-sqlite3";
import type { AuditEntry } from "../core/access/audit.js";

export interface AuditQuery {
  newestFirst: boolean;
  /** Goes on after this entry. */
  after?: number | undefined;
  most: number;
  user?: string | undefined;
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
  /** A part of it, in any letter case. */
  verb?: string | undefined;
  /** The beginning of it. */
  target?: string | undefined;
  outcome?: string | undefined;
}

export interface AuditPage {
  entries: AuditEntry[];
  /** The last that was looked at, whether it was wanted or not; undefined when there was none. */
  lookedAt: number | undefined;
  /** There is nothing after it. */
  isLast: boolean;
}

/** Looked at in one call: nobody else is served meanwhile. */
const lookedAtMost = 20_000;
/** A commit of its own each, so that jobs don't wait. */
const dropAtOnce = 5_000;

/** What the audit log's rows say. They are written with everything else: see Catalog.commit. */
export class AuditLog {
  private readonly up: Statement<[number], AuditEntry>;
  private readonly down: Statement<[number], AuditEntry>;
  private readonly newest: Statement<[], AuditEntry>;

  constructor(private readonly db: Database) {
    this.up = db.prepare("SELECT * FROM audit_entry WHERE entry > ? ORDER BY entry");
    this.down = db.prepare("SELECT * FROM audit_entry WHERE entry < ? ORDER BY entry DESC");
    this.newest = db.prepare("SELECT * FROM audit_entry ORDER BY entry DESC LIMIT 1");
  }

  last(): AuditEntry | undefined {
    return this.newest.get();
  }

  read(query: AuditQuery): AuditPage {
    const { newestFirst, most, after } = query;
    const entries: AuditEntry[] = [];
    let lookedAt: number | undefined;
    let count = 0;
    const start = after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
    for (const row of (newestFirst ? this.down : this.up).iterate(start)) {
      if (entries.length === most || count === lookedAtMost) return { entries, lookedAt, isLast: false };
      count += 1;
      if (newestFirst && row.at < (query.sinceMs ?? 0)) break;
      lookedAt = row.entry;
      if (isWanted(row, query)) entries.push(row);
    }
    return { entries, lookedAt, isLast: true };
  }

  /** Drops some of those that are older, and of more than so many; never the newest. True when there is more to drop. */
  trim(keptFromMs: number, entriesMost: number): boolean {
    const last = this.last()?.entry;
    const first = this.db
      .prepare<[], { entry: number; at: number }>("SELECT entry, at FROM audit_entry ORDER BY entry LIMIT 1")
      .get();
    if (last === undefined || first === undefined) return false;
    const over = last - entriesMost;
    if (first.at >= keptFromMs && first.entry > over) return false;
    const candidates = this.db
      .prepare<[number, number], { entry: number; at: number }>(
        "SELECT entry, at FROM audit_entry WHERE entry < ? ORDER BY entry LIMIT ?",
      )
      .all(last, dropAtOnce);
    const kept = candidates.find(({ entry, at }) => at >= keptFromMs && entry > over);
    const keptFrom = kept?.entry ?? (candidates.at(-1)?.entry ?? 0) + 1;
    this.db.transaction(() => {
      this.db.prepare("UPDATE audit_retention SET kept_from_entry = max(kept_from_entry, ?)").run(keptFrom);
      this.db.prepare("DELETE FROM audit_entry WHERE entry < ?").run(keptFrom);
    })();
    return kept === undefined && candidates.length === dropAtOnce;
  }
}

function isWanted(row: AuditEntry, { user, sinceMs, untilMs, verb, target, outcome }: AuditQuery): boolean {
  return (
    (user === undefined || row.user === user) &&
    (sinceMs === undefined || row.at >= sinceMs) &&
    (untilMs === undefined || row.at < untilMs) &&
    (verb === undefined || row.verb.toLowerCase().includes(verb.toLowerCase())) &&
    (target === undefined || row.target.startsWith(target)) &&
    (outcome === undefined || row.outcome === outcome)
  );
}

/** What was done to a catalog that nobody serves, by who may write to its file. */
export function tellOffline(db: Database, { at, verb, summary }: { at: number; verb: string; summary: string }): void {
  const who = `account ${process.getuid?.() ?? "?"} of the machine`;
  db.prepare(
    "INSERT INTO audit_entry (entry, at, user, credential, verb, target, summary, peer, outcome) SELECT coalesce(max(entry), 0) + 1, ?, '', ?, ?, 'catalog', ?, ?, 'ok' FROM audit_entry",
  ).run(at, who, verb, summary, hostname());
}
