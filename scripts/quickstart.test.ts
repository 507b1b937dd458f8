import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { processesWith, until } from "./site/processes.js";

const root = resolve(import.meta.dirname, "..");
let folder: string | undefined;

afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

function quickstart() {
  const child = spawn(join(root, "node_modules/.bin/tsx"), [join(root, "scripts/quickstart.ts")], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      folder ??= /in (\/\S*stoker-quickstart-\w+)/.exec(output)?.[1];
    });
  }
  return { child, output: () => output, closed: once(child, "close") as Promise<[number | null]> };
}

test("it trains a model on two nodes, tells how good it is and where it lies, and leaves no process", async () => {
  const { output, closed } = quickstart();
  const [code] = await closed;
  expect(output()).toMatch(/9\d\.\d % of the held-out digits are read right/);
  expect(code).toBe(0);
  const model = /model and metrics +(\/\S+)/.exec(output())?.[1] ?? "";
  expect(existsSync(join(model, "model.npz"))).toBe(true);
  expect(JSON.parse(readFileSync(join(model, "metrics.json"), "utf8"))).toMatchObject({ ranks: 4, attempt: 1 });
  for (const line of output().matchAll(/^ {2}\w.*? {2,}(\/\S+)$/gm)) expect(existsSync(line[1] ?? "")).toBe(true);
  expect(processesWith(`${folder}/`)).toEqual([]);
}, 120_000);

test("Ctrl-C in the middle ends the job and every process", async () => {
  const { child, output, closed } = quickstart();
  await until("the training is under way", () => (/epoch 3\//.test(output()) ? true : undefined), 60_000);
  child.kill("SIGINT");
  const [code] = await closed;
  expect(code).toBe(130);
  expect(output()).toContain("no process is left");
  expect(processesWith(`${folder}/`)).toEqual([]);
}, 120_000);
