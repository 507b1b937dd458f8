import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newKey, parseKey } from "./key.js";
import { addKey, dropOldKeys, holdsKey, keyPlace, openVault } from "./key-file.js";
import { Vault } from "./vault.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-keys-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("a vault", () => {
  const vault = new Vault(newKey());

  it("opens what it sealed, in its own context alone, and never twice the same", () => {
    const sealed = vault.sealText("w name", "pässword");
    expect(vault.openText("w name", sealed)).toBe("pässword");
    expect(vault.sealText("w name", "pässword")).not.toBe(sealed);
    expect(Buffer.from(sealed, "base64").toString("latin1")).not.toContain("ssword");
    expect(() => vault.openText("w other", sealed)).toThrow("not as it was sealed");
  });

  it("notices a changed bit anywhere, and what another key sealed", () => {
    const sealed = vault.seal("c", Buffer.from("value"));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => vault.open("c", changed)).toThrow(/sealed/);
    }
    expect(() => new Vault(newKey()).open("c", sealed)).toThrow("not in the key file");
    expect(() => vault.open("c", sealed.subarray(0, 20))).toThrow(/sealed/);
  });

  it("opens with its older keys, too", () => {
    const [older, newer] = [newKey(), newKey()];
    const sealed = new Vault(older).seal("c", Buffer.from("value"));
    expect(new Vault(newer, [older]).open("c", sealed).toString()).toBe("value");
  });
});

describe("the key file", () => {
  it("is made at the first sealing, for its owner alone, and read from then on", () => {
    const place = keyPlace(undefined, dir, {});
    const vault = openVault(place);
    expect(() => statSync(place.path)).toThrow("ENOENT");
    const sealed = vault.sealText("c", "value");
    expect(statSync(place.path).mode & 0o777).toBe(0o600);
    expect(openVault(place).openText("c", sealed)).toBe("value");
    expect(holdsKey(place, vault.key)).toBe(true);
  });

  it("that others may read is refused, as is what holds no key", () => {
    const place = keyPlace(join(dir, "k"), dir, {});
    openVault(place).sealText("c", "value");
    chmodSync(place.path, 0o640);
    expect(() => openVault(place)).toThrow(/chmod 600/);
    chmodSync(place.path, 0o600);
    writeFileSync(place.path, "hello\n");
    expect(() => openVault(place)).toThrow(/key 1 is not 32 bytes in base64/);
    writeFileSync(place.path, "\n");
    expect(() => openVault(place)).toThrow(/is empty/);
  });

  it("may be a credential of systemd, which is not written to", () => {
    const key = Buffer.alloc(32, 7).toString("base64");
    writeFileSync(join(dir, "stoker-secret-key"), `${key}\n`, { mode: 0o440 });
    const place = keyPlace(undefined, "/nowhere", { CREDENTIALS_DIRECTORY: dir });
    expect(openVault(place).key).toBe(parseKey(key)?.id);
    expect(() => addKey(place)).toThrow(/credential of systemd/);
    expect(keyPlace("/named", "/nowhere", { CREDENTIALS_DIRECTORY: dir }).path).toBe("/named");
  });

  it("holds the old key beside the new one until that is dropped", () => {
    const place = keyPlace(undefined, dir, {});
    const sealed = openVault(place).sealText("c", "value");
    const rotated = addKey(place);
    expect(openVault(place).key).toBe(rotated.key);
    expect(openVault(place).openText("c", sealed)).toBe("value");
    expect(dropOldKeys(place)).toBe(1);
    expect(readFileSync(place.path, "utf8").trim().split("\n")).toHaveLength(1);
    expect(() => openVault(place).openText("c", sealed)).toThrow("not in the key file");
  });
});
