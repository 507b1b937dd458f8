import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Player } from "./player.js";
import { parseScript, printScript } from "./script.js";

const folder = import.meta.dirname;
const writing = process.env.STOKER_SCENARIOS === "write";

test.each(readdirSync(folder).filter((name) => name.endsWith(".txt")))("%s", (name) => {
  const path = join(folder, name);
  const player = new Player();
  const steps = parseScript(readFileSync(path, "utf8")).map((step) => ({ ...step, answer: player.play(step.lines) }));
  if (writing) writeFileSync(path, printScript(steps));
  for (const { lines, answer, expected } of steps) if (!writing) expect(answer, lines.join("\n")).toBe(expected);
});
