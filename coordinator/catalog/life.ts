import { randomUUID } from "node:crypto";
import type { Database } from "better-sqlite3";
import { assert } from "../../shared/assert.js";
import type { CatalogLife } from "../core/restored.js";

interface Row {
  catalog: string;
  epoch: number;
  life: string;
  restored_at: number | null;
  attempts_skipped: number | null;
}

export function readLife(db: Database): CatalogLife {
  const row = db.prepare<[], Row>("SELECT * FROM life").get();
  assert(row, "the catalog has no life");
  const { catalog, epoch, life, restored_at: at, attempts_skipped: attemptsSkipped } = row;
  return {
    catalog,
    epoch,
    life,
    ...(at === null || attemptsSkipped === null ? {} : { restored: { at, attemptsSkipped } }),
  };
}

/** More than a job is tried in, at the worst: once a second since the backup, and so many before its time was taken. */
const attemptsSkippedLeast = 1_000;
const attemptsSkippedMost = 1_000_000_000;

/** Of a copy: see core/restored.ts. Times are milliseconds since the epoch. */
export function beginLife(db: Database, now: number, backupAt: number): CatalogLife {
  const latest = db
    .prepare<[], { at: number | null }>(
      "SELECT max(at) AS at FROM (SELECT max(created_at) AS at FROM job UNION ALL SELECT max(started_at) FROM job UNION ALL SELECT max(at) FROM job_event)",
    )
    .get();
  const at = Math.max(now, backupAt, latest?.at ?? 0);
  const before = readLife(db);
  const skipped = Math.min(attemptsSkippedLeast + Math.ceil((at - backupAt) / 1000), attemptsSkippedMost);
  db.prepare("UPDATE life SET epoch = ?, life = ?, restored_at = ?, attempts_skipped = ?").run(
    Math.max(before.epoch + 1, now),
    randomUUID(),
    at,
    skipped,
  );
  return readLife(db);
}
