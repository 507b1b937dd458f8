import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { makeIsolation } from "./isolation.js";

it.runIf(process.getuid?.() === 0)(
  "runs no job as an account by a shim that a job's LD_PRELOAD gets into while it is root",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "stoker-isolation-"));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const folder = resolve(import.meta.dirname, "native");
    const sources = readdirSync(folder).filter((name) => name.endsWith(".c"));
    const dynamic = join(dir, "stoker-shim");
    execFileSync("gcc", [
      "-std=gnu11",
      "-O0",
      "-o",
      dynamic,
      ...sources.map((name) => join(folder, name)),
      "-lpthread",
    ]);
    const made = (shimPath: string, kind: "mapped" | "agent") =>
      makeIsolation(
        {
          ...{ dataDir: join(dir, "data"), shimPath, limits: "off", groups: undefined, machineCpus: 2 },
          ...{ accounts: kind === "agent" ? { kind } : { kind, accounts: { "*": "same" } } },
          ...{ systemPath: "/usr/bin:/bin", allowRoot: () => false },
        },
        pino({ level: "silent" }),
      );
    await expect(made(dynamic, "mapped")).rejects.toMatchObject({ message: expect.stringContaining("LD_PRELOAD") });
    // All is root's there anyway.
    expect((await made(dynamic, "agent")).isOn).toBe(false);
    expect((await made(resolve(import.meta.dirname, "../dist/stoker-shim"), "mapped")).isOn).toBe(true);
  },
);
