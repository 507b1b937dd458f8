import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { ContainerWish } from "../ports.js";
import { exchanged, foldersThere } from "./folders.js";

const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
const look = async ([program, ...words]: readonly [string, ...string[]]) =>
  execFileSync(program, words, { encoding: "utf8" });

function places() {
  const dir = mkdtempSync(join(tmpdir(), "stoker-folders-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  const at = (name: string) => join(dir, name);
  for (const name of ["open", "closed", "closed/inner"]) mkdirSync(at(name));
  chmodSync(at("closed"), 0o700);
  const wish = (named: string[], own: string[], account?: ContainerWish["account"]) => {
    const folders = [
      ...named.map((name) => ({ from: at(name), to: at(name), named: true })),
      ...own.map((name) => ({ from: at(name), to: at(name) })),
    ];
    return { folders, account };
  };
  return { at, wish };
}

it.runIf(process.getuid?.() === 0)(
  "shows of what a job has named where its account can go, and its own in any case",
  async () => {
    const { at, wish } = places();
    const account = { uid: 61_001, gid: 61_001, groups: [61_001] };
    const names = ["open", "closed/inner", "absent"];
    const shown = async (given: ReturnType<typeof wish>) =>
      (await foldersThere(given, shim, look)).folders.map(({ from }) => from);
    expect(await shown(wish(names, ["closed"], account))).toEqual([at("open"), at("closed")]);
    // Where jobs are root's.
    expect(await shown(wish(names, []))).toEqual([at("open"), at("closed/inner")]);
  },
);

it("finds what was put in the place of a folder while the container was made", async () => {
  const { at, wish } = places();
  symlinkSync("open", at("link"));
  const { named } = await foldersThere(wish(["link", "open"], []), shim, look);
  expect(await exchanged(named, process.pid, shim, look)).toBeUndefined();
  rmSync(at("link"));
  symlinkSync("closed/inner", at("link"));
  expect(await exchanged(named, process.pid, shim, look)).toBe(at("link"));
});
