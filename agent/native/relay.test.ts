import { createHash } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { processesWith, run, scratch } from "./scratch.js";

const output = (dir: string, name = "stdout") => readFileSync(join(dir, name), "latin1");
const sum = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const droppedOf = (dir: string, name = "stdout") => Number(readFileSync(join(dir, `${name}.tail`)).readBigUInt64LE(16));

/** As the agent does it: each rank's folder is in its lease's. */
function folders(...names: string[]) {
  const root = scratch();
  return names.map((name) => {
    mkdirSync(join(root, name));
    return join(root, name);
  });
}

test("what was written can't be taken back, and what opens its output by name adds to it", async () => {
  const dir = scratch();
  const text =
    "echo one; echo two > /dev/stdout; echo three >&2; echo four > /dev/stderr; truncate -s 0 /dev/stdout; echo five";
  await run(["run", "--dir", dir, "--", "bash", "-c", text]).ended;
  expect(output(dir)).toBe("one\ntwo\nfive\n");
  expect(output(dir, "stderr")).toMatch(/^three\nfour\n/);
});

test("bytes of any kind arrive as they were written, without a newline at the end too", async () => {
  const dir = scratch();
  // Lines of 10 MB, then every byte value, many times over, and no end of line.
  const text =
    "import os\nfor i in range(4): os.write(1, bytes([97 + i]) * 10_000_000 + b'\\n')\nfor i in range(2000): os.write(1, bytes(range(256)) * 16)";
  await run(["run", "--dir", dir, "--", "python3", "-c", text]).ended;
  const lines = [97, 98, 99, 100].map((byte) => Buffer.concat([Buffer.alloc(10_000_000, byte), Buffer.from("\n")]));
  const binary = Buffer.alloc(2000 * 16 * 256, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
  expect(sum(readFileSync(join(dir, "stdout")))).toBe(sum(Buffer.concat([...lines, binary])));
});

test("a child that is still writing when the main process has ended is heard until it is ended too", async () => {
  const dir = scratch();
  await run(["run", "--dir", dir, "bash", "-c", "(trap '' TERM HUP; while :; do echo more; done) & sleep 0.2"]).ended;
  expect(output(dir)).toMatch(/^(more\n)+/);
  const after = statSync(join(dir, "stdout")).size;
  expect(processesWith("echo more").length).toBe(0);
  expect(statSync(join(dir, "stdout")).size).toBe(after);
});

test("beyond the limit the end is kept, and a mark says exactly how many bytes are missing", async () => {
  const [dir] = folders("rank-0");
  if (dir === undefined) throw new Error("no folder");
  const bytes = 2_000_000;
  const written = Array.from({ length: 400_000 }, (_, i) => `${i + 1}\n`)
    .join("")
    .slice(0, bytes);
  const env = { STOKER_LOG_LIMIT_BYTES: "102400" };
  await run(["run", "--dir", dir, "bash", "-c", `seq 400000 | head -c ${bytes}`], { env }).ended;
  const kept = output(dir);
  const [first, second] = [...kept.matchAll(/\n?\[stoker: .*\]\n/g)];
  expect(kept.slice(0, first?.index)).toBe(written.slice(0, 102_400));
  expect(first?.[0]).toContain("over the limit of 100 KiB (logLimit)");
  const dropped = bytes - 102_400 - 65_536;
  expect(second?.[0]).toContain(`[stoker: ${dropped} bytes dropped: over the limit of 100 KiB (logLimit)]`);
  expect(kept.slice((second?.index ?? 0) + (second?.[0].length ?? 0))).toBe(written.slice(-65_536));
  expect(droppedOf(dir)).toBe(dropped);
  const { size } = statSync(join(dir, "stdout"));
  expect(JSON.parse(readFileSync(join(dir, "exit"), "utf8"))).toMatchObject({
    bytes: [size, 0],
    dropped: [dropped, 0],
  });
});

test("all ranks of a lease on a node share its limit", async () => {
  const [one, two] = folders("rank-0", "rank-1");
  if (one === undefined || two === undefined) throw new Error("no folders");
  const env = { STOKER_LOG_LIMIT_BYTES: "1048576" };
  const write = (dir: string) => run(["run", "--dir", dir, "bash", "-c", "head -c 700000 /dev/zero"], { env }).ended;
  await write(one);
  await write(two);
  expect(statSync(join(one, "stdout")).size).toBe(700_000);
  const dropped = 2 * 700_000 - 1_048_576 - 65_536;
  expect(droppedOf(two)).toBe(dropped);
  expect(output(two)).toContain(`[stoker: ${dropped} bytes dropped`);
});

test("what a shim that was killed left in the pipe is taken over", async () => {
  const [dir] = folders("rank-0");
  if (dir === undefined) throw new Error("no folder");
  const env = { STOKER_LOG_LIMIT_BYTES: "1024" };
  const { child, ended } = run(["run", "--dir", dir, "bash", "-c", "head -c 5000 /dev/zero | tr '\\0' x; sleep 100"], {
    env,
  });
  await vi.waitFor(() => statSync(join(dir, "stdout.pipe")), 5_000);
  const held = openSync(join(dir, "stdout.pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(held));
  await vi.waitFor(() => expect(readFileSync(join(dir, "stdout.tail")).readBigUInt64LE(8)).toBe(3_976n), 5_000);
  child.kill("SIGKILL");
  await ended;
  const { code } = await run(["salvage", "--dir", dir]).ended;
  expect(code).toBe(0);
  const [head, , tail] = output(dir).split(/\n?\[stoker: [^\]]*\]\n/);
  expect(`${head}${tail ?? ""}`.length).toBeLessThanOrEqual(5_000);
  expect(output(dir).replace(/\n?\[stoker: [^\]]*\]\n/g, "")).toBe("x".repeat(5_000));
  // Done once: a second time adds nothing.
  await run(["salvage", "--dir", dir]).ended;
  expect(output(dir).replace(/\n?\[stoker: [^\]]*\]\n/g, "")).toBe("x".repeat(5_000));
});
