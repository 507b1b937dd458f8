import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testVault } from "../test/fakes/vault.js";
import { backup } from "./backup/backup.js";
import { refuseHalfRestored, restore } from "./backup/restore.js";
import { Catalog } from "./catalog/catalog.js";
import { copyCatalog, reviveCopy } from "./catalog/copy.js";

const vault = testVault();
let root: string;
let dataDir: string;
let copy: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stoker-backup-"));
  [dataDir, copy] = [join(root, "data"), join(root, "copy")];
  mkdirSync(join(dataDir, "logs/job/1"), { recursive: true });
  writeFileSync(join(dataDir, "logs/job/1/0.stdout"), "some words\n");
  writeFileSync(join(dataDir, "token"), "secret\n");
  writeFileSync(join(dataDir, "lock"), "");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const make = (now = 1_000) => backup({ dataDir, to: copy, version: "test", now, copyCatalog });
const put = (to: string) => restore({ backup: copy, dataDir: to, now: 50_000, revive: reviveCopy });

describe("a backup", () => {
  it("is made while the catalog is written to, and restores to a life of its own", async () => {
    using catalog = Catalog.open(dataDir, vault);
    await make();
    expect(readdirSync(copy).sort()).toEqual(["catalog.db", "logs", "manifest.json", "token"]);
    const elsewhere = join(root, "elsewhere");
    put(elsewhere);
    expect(readFileSync(join(elsewhere, "logs/job/1/0.stdout"), "utf8")).toBe("some words\n");
    using restored = Catalog.open(elsewhere, vault);
    const { life } = catalog;
    expect(restored.life).toMatchObject({ catalog: life.catalog, restored: { at: 50_000, attemptsSkipped: 1_049 } });
    expect(restored.life.epoch).toBeGreaterThan(life.epoch);
    expect(restored.life.life).not.toBe(life.life);
    expect(restored.audit.last()).toMatchObject({
      ...{ verb: "stoker-coordinator restore", target: "catalog", at: 50_000, outcome: "ok" },
      ...{ summary: "the backup of 1970-01-01T00:00:01.000Z", credential: expect.stringMatching(/^account \d+ of/) },
    });
  });

  it("has no name before it is whole", async () => {
    Catalog.open(dataDir, vault)[Symbol.dispose]();
    const broken = {
      dataDir,
      to: copy,
      version: "test",
      now: 1,
      copyCatalog: () => Promise.reject(new Error("no room")),
    };
    await expect(backup(broken)).rejects.toThrow("no room");
    expect(readdirSync(root)).toEqual(["data"]);
  });

  it("is refused in a folder that is not empty, and when a byte of it has changed or a file is missing", async () => {
    Catalog.open(dataDir, vault)[Symbol.dispose]();
    await make();
    expect(() => put(dataDir)).toThrow(/not empty/);
    const elsewhere = join(root, "elsewhere");
    appendFileSync(join(copy, "logs/job/1/0.stdout"), "x");
    expect(() => put(elsewhere)).toThrow(/not as it was/);
    rmSync(join(copy, "logs/job/1/0.stdout"));
    expect(() => put(elsewhere)).toThrow(/is missing/);
    // Nothing of it stays: the folder may be used again.
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(() => put(join(root, "data/logs"))).toThrow();
    rmSync(join(copy, "manifest.json"));
    expect(() => put(elsewhere)).toThrow(/is not a backup/);
  });

  it("is not taken for a data folder when its restore did not end", () => {
    mkdirSync(join(root, "half/.restoring"), { recursive: true });
    expect(() => refuseHalfRestored(join(root, "half"))).toThrow(/did not end/);
    expect(() => refuseHalfRestored(dataDir)).not.toThrow();
    expect(existsSync(copy)).toBe(false);
  });
});
