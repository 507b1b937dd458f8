import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { LeaseId } from "../../shared/ids.js";
import { Fences } from "./fences.js";

const lease = "4d6c2f1e-6d43-4a2b-9f4e-1f7f4d1c9a10.1" as LeaseId;
const other = "4d6c2f1e-6d43-4a2b-9f4e-1f7f4d1c9a10.2" as LeaseId;

/** As each agent of a machine makes them; the groups are plain folders. */
function makeFences() {
  const folder = mkdtempSync(join(tmpdir(), "stoker-fences-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const groups = join(folder, "groups");
  mkdirSync(groups);
  return { groups, started: () => new Fences(join(folder, "fences"), "boot", groups, pino({ level: "silent" })) };
}

test("the next agent makes the group of a lease again when it went with the unit, and drops what it does not hold", () => {
  const { groups, started } = makeFences();
  const before = started();
  for (const each of [lease, other]) before.set(each, "freeze", 10_000);
  const group = join(groups, `stoker-${lease}`);
  expect(before.group(lease)).toBe(group);
  rmdirSync(group);

  const after = started();
  expect(after.sweep(new Set([lease]))).toEqual(new Set([lease]));
  expect(existsSync(group)).toBe(true);
  expect(after.group(lease)).toBe(group);
  expect(after.has(other)).toBe(false);
  expect(existsSync(join(groups, `stoker-${other}`))).toBe(false);
});
