import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { bareEnvironment } from "../../scripts/site/processes.js";
import { temporaryFolder } from "../fakes/temporary-folder.js";
import { until } from "../fakes/until.js";

const program = resolve(import.meta.dirname, "../../dist/stoker-coordinator.js");

function start(dataDir: string, listen: string) {
  const words = [program, "--config", "/dev/null", "--data-dir", dataDir, "--listen", listen, "--files-port", "off"];
  const child = spawn(process.execPath, words, { env: bareEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return { ended, said: () => said, stop: () => child.kill("SIGTERM") };
}

test("a first start that fails is told in one line, and the next one still leaves the line to join by, once", async () => {
  const dataDir = temporaryFolder("stoker-first-");
  const line = join(dataDir, "administrator", "join-line");
  await using taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;

  const failed = start(dataDir, `127.0.0.1:${port}`);
  expect(await failed.ended).toBe(2);
  expect(failed.said()).toMatch(/^stoker-coordinator: cannot listen on .*address already in use/m);
  expect(failed.said()).not.toMatch(/"level":(?:50|60)/);
  expect(existsSync(line)).toBe(false);

  const lines: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    const good = start(dataDir, "127.0.0.1:0");
    await until("it is ready", () => (good.said().includes('"msg":"ready"') ? true : undefined), 30_000);
    lines.push(readFileSync(line, "utf8"));
    good.stop();
    expect(await good.ended).toBe(0);
  }
  expect(lines[0]).toMatch(/^stoker-agent join 127\.0\.0\.1:\d+ stoker-join-\S+\n$/);
  expect(lines[1]).toBe(lines[0]);
}, 120_000);
