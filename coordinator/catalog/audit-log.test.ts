import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testVault } from "../../test/fakes/vault.js";
import type { AuditEntry } from "../core/access/audit.js";
import { Catalog } from "./catalog.js";

let dir = "";
let catalog: Catalog;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-audit-"));
  catalog = Catalog.open(dir, testVault());
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

const entryAt = (entry: number, user = "ada"): AuditEntry => ({
  ...{ entry, at: entry * 1_000, user, credential: "token t", verb: "JobService.CreateJob" },
  ...{ target: `workspaces/w/jobs/${entry}`, summary: "", peer: "10.0.0.1:1", outcome: "ok" as const },
});
const write = (...entries: AuditEntry[]) =>
  catalog.commit(entries.map((row) => ({ kind: "put", table: "audit-entry", row })));
const numbers = (entries: readonly AuditEntry[]) => entries.map(({ entry }) => entry);

test("pages go on where they ended, either way, with what is asked for alone", () => {
  write(...Array.from({ length: 10 }, (_, at) => entryAt(at + 1, at % 2 ? "grace" : "ada")));
  const first = catalog.audit.read({ newestFirst: false, most: 3, user: "ada" });
  expect(numbers(first.entries)).toEqual([1, 3, 5]);
  expect(first.isLast).toBe(false);
  const rest = catalog.audit.read({ newestFirst: false, most: 9, user: "ada", after: first.lookedAt });
  expect(numbers(rest.entries)).toEqual([7, 9]);
  expect(rest.isLast).toBe(true);
  const back = catalog.audit.read({ newestFirst: true, most: 2, sinceMs: 8_000 });
  expect(numbers(back.entries)).toEqual([10, 9]);
  expect(numbers(catalog.audit.read({ newestFirst: true, most: 9, sinceMs: 8_000 }).entries)).toEqual([10, 9, 8]);
  const some = { newestFirst: false, most: 9, verb: "createjob", target: "workspaces/w/jobs/1" };
  expect(numbers(catalog.audit.read(some).entries)).toEqual([1, 10]);
});

test("what is written stays as it is: SQLite itself refuses to change or delete it", () => {
  write(entryAt(1), entryAt(2));
  const db = new Database(join(dir, "catalog.db"));
  expect(() => db.exec("UPDATE audit_entry SET user = 'nobody'")).toThrow("append-only");
  expect(() => db.exec("DELETE FROM audit_entry")).toThrow("append-only");
  expect(() => db.exec("REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE entry = 1")).toThrow("append-only");
  expect(() => db.exec("UPDATE audit_retention SET kept_from_entry = -1")).toThrow("only goes on");
  expect(() => db.exec("DELETE FROM audit_retention")).toThrow("only goes on");
  expect(() => db.exec("INSERT INTO audit_retention VALUES (9)")).toThrow("only goes on");
  db.close();
});

test("the retention drops what is old, and what is too much, but never the last; numbers go on", () => {
  write(...Array.from({ length: 10 }, (_, at) => entryAt(at + 1)));
  expect(catalog.audit.trim(4_000, 100)).toBe(false);
  expect(numbers(catalog.audit.read({ newestFirst: false, most: 99 }).entries)[0]).toBe(4);
  catalog.audit.trim(0, 3);
  expect(numbers(catalog.audit.read({ newestFirst: false, most: 99 }).entries)).toEqual([8, 9, 10]);
  catalog.audit.trim(1e12, 100);
  expect(numbers(catalog.audit.read({ newestFirst: false, most: 99 }).entries)).toEqual([10]);
  catalog[Symbol.dispose]();
  catalog = Catalog.open(dir, testVault());
  const loaded = [...catalog.load()].filter(({ table }) => table === "audit-entry");
  expect(loaded).toMatchObject([{ row: { entry: 10 } }]);
});
