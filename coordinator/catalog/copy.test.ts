import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { testVault } from "../../test/fakes/vault.js";
import { Catalog } from "./catalog.js";
import { migrations } from "./migrations/index.js";

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "stoker-copies-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const copies = () => readdirSync(dataDir).filter((name) => name.startsWith("catalog-schema-"));

it("the catalog of an earlier release is copied before it is changed, and three such copies are kept", () => {
  const old = new Database(join(dataDir, "catalog.db"));
  old.exec(migrations[0] ?? "");
  old.pragma("user_version = 1");
  old.close();
  for (const at of ["20250101000000", "20250102000000", "20250103000000"]) {
    writeFileSync(join(dataDir, `catalog-schema-1-at-${at}.db`), "");
  }
  Catalog.open(dataDir, testVault())[Symbol.dispose]();
  const kept = copies().sort();
  expect(kept).toHaveLength(3);
  expect(kept).not.toContain("catalog-schema-1-at-20250101000000.db");
  const copy = new Database(join(dataDir, kept.at(-1) ?? ""), { readonly: true });
  expect([copy.pragma("user_version", { simple: true }), copy.pragma("integrity_check", { simple: true })]).toEqual([
    1,
    "ok",
  ]);
  copy.close();
});

it("a new catalog, and one that is up to date, are not copied", () => {
  Catalog.open(dataDir, testVault())[Symbol.dispose]();
  Catalog.open(dataDir, testVault())[Symbol.dispose]();
  expect(copies()).toEqual([]);
});
