import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { IdentityFile } from "./identity-file.js";

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "stoker-identity-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a folder for the key is made before anything is asked for, and holds nothing else", () => {
  const data = join(scratch(), "data");
  new IdentityFile(data).prepare();
  expect(readdirSync(join(data, "identity"))).toEqual([]);
  expect(statSync(join(data, "identity")).mode & 0o777).toBe(0o700);
  expect(statSync(data).mode & 0o755).toBe(0o755 & ~process.umask());
});

test("where nothing can be kept, that is said in words, and no token is used up", () => {
  const place = join(scratch(), "file");
  writeFileSync(place, "");
  expect(() => new IdentityFile(place).prepare()).toThrow(
    /identity can't be kept in .*identity: E[A-Z]+: .*; nothing was asked of the coordinator/,
  );
  expect(existsSync(join(place, "identity"))).toBe(false);
});
