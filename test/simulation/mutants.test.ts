import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { patched, textOf } from "./bundle.js";
import { mutants } from "./mutants.js";
import { playBroken } from "./players.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-mutants-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("mutants", () => {
  it.each(mutants)("$name: what it replaces is there", ({ patches }) => {
    for (const patch of patches) expect(patched(textOf(patch.file), [patch])).not.toBe(textOf(patch.file));
  });

  // All of them are `npm run simulate -- --mutants`.
  it.each(["acknowledge before commit", "not in the ledger before it starts"])(
    "%s is caught",
    async (name) => {
      const mutant = mutants.find((one) => one.name === name);
      if (!mutant) throw new Error(name);
      const { caught } = await playBroken(mutant, join(folder, "player.mjs"), { plans: 3_000, seconds: 100 });
      expect(caught?.failure).toContain("--seed");
    },
    120_000,
  );
});
