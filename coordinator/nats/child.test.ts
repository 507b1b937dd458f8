import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connectBus } from "./bus.js";
import { NatsChild } from "./child.js";
import { configFile } from "./config-file.js";

const log = pino({ level: "silent" });
const dirs: string[] = [];
const newDir = () => {
  const dir = mkdtempSync(join(tmpdir(), "stoker-nats-"));
  dirs.push(dir);
  return dir;
};
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const start = (dir: string, port = 0) =>
  NatsChild.start({
    program: "nats-server",
    dir,
    host: "127.0.0.1",
    port,
    access: { kind: "token", token: "t0" },
    log,
  });
const reach = (port: number, token = "t0") =>
  connectBus({ url: `nats://127.0.0.1:${port}`, access: { kind: "token", token }, log });

describe("NatsChild", () => {
  it("serves JetStream, runs again on the same port after a death, and ends when stopped", async () => {
    await using nats = await start(newDir());
    const bus = await reach(nats.port);
    expect(bus.info?.jetstream).toBe(true);
    const first = nats.pid ?? 0;
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(nats.pid).not.toBe(first), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await bus.rtt()).toBeGreaterThan(0), { timeout: 10_000 });
    await bus.close();
    const second = nats.pid ?? 0;
    await nats.stop();
    expect(() => process.kill(second, 0)).toThrow("ESRCH");
  });

  it("keeps its port over a restart and replaces what a killed coordinator left", async () => {
    const dir = newDir();
    const first = await start(dir);
    await first.stop();
    const leftover = spawn("nats-server", ["-c", configFile(dir)], { stdio: "ignore" });
    const bus = await reach(first.port);
    await bus.close();
    await using second = await start(dir);
    expect(second.port).toBe(first.port);
    await vi.waitFor(() => expect(leftover.exitCode ?? leftover.signalCode).not.toBeNull());
    expect(second.pid).not.toBe(leftover.pid);
  });

  it("takes another port when somebody has the remembered one, but never when one was asked for", async () => {
    const dir = newDir();
    const first = await start(dir);
    await first.stop();
    const squatter = createServer().listen(first.port, "127.0.0.1");
    try {
      await expect(start(dir, first.port)).rejects.toThrow(/does not start.*in use/);
      await using second = await start(dir);
      expect(second.port).not.toBe(first.port);
    } finally {
      squatter.close();
    }
  });

  it("names the package when the program is missing", async () => {
    await expect(
      NatsChild.start({
        program: "/no/nats-server",
        dir: newDir(),
        host: "127.0.0.1",
        port: 0,
        access: { kind: "token", token: "t" },
        log,
      }),
    ).rejects.toThrow("apt-get install nats-server");
  });
});
