import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseLeaseId } from "../../shared/ids.js";
import { makeFence } from "../../test/fakes/fence.js";
import { until } from "../../test/fakes/until.js";
import { LeaseSignals } from "./lease-signals.js";
import { LocalShims } from "./shims.js";
import { Spawner, SpawnerLost, type Started } from "./spawner.js";

const shimPath = resolve(import.meta.dirname, "../../dist/stoker-shim");
const log = pino({ level: "silent" });
let dir: string;
let spawner: Spawner;
let shims: LocalShims;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-ranks-"));
  spawner = new Spawner(shimPath, log);
  shims = new LocalShims(spawner, fenceOf, log);
});
afterEach(() => {
  shims.close();
  spawner.close();
  rmSync(dir, { recursive: true, force: true });
});

const run = (name: string, text: string, environment: Record<string, string> = {}) => ({
  dir: join(dir, name),
  argv: ["/bin/bash", "-c", text],
  environment: { PATH: "/usr/bin:/bin", ...environment },
  cwd: dir,
});
const fenceOf = (lease: string) => join(dir, "fences", lease);
const helperOf = (pid: number) => Number(/\) . (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);

it("runs a process in its folder with exactly that environment", async () => {
  const started = await shims.start(run("a", "env; pwd; echo to stderr >&2; exit 3", { ODD: "a b\n'c'" }));
  expect(await started.exited).toMatchObject({ exitCode: 3, signal: 0 });
  const lines = readFileSync(join(dir, "a/stdout"), "utf8");
  expect(lines).toContain("ODD=a b\n'c'\n");
  expect(lines.trim().endsWith(dir)).toBe(true);
  expect(lines).not.toContain("HOME=");
  expect(readFileSync(join(dir, "a/stderr"), "utf8")).toBe("to stderr\n");
});

it("removes what a job has made deeper than any path can be", async () => {
  const deep =
    'import os\nfor _ in range(3000): os.mkdir("d" * 200); os.chdir("d" * 200)\nopen("bottom", "w").write("x")';
  const made = await shims.start(run("a", `mkdir -p tree/.brought-up-0/x && cd tree && python3 -c '${deep}'`));
  expect(await made.exited).toMatchObject({ exitCode: 0 });
  spawner.remove(join(dir, "tree"));
  await until("it is gone", () => !existsSync(join(dir, "tree")));
});

it("says a signal as a shell does", async () => {
  const started = await shims.start(run("a", "kill -9 $$"));
  expect(await started.exited).toMatchObject({ exitCode: 137, signal: 9 });
});

it("starts many at once and tells each its own end", async () => {
  const all = Array.from({ length: 40 }, (_, i) => shims.start(run(`r${i}`, `exit ${i}`)).then(({ exited }) => exited));
  expect((await Promise.all(all)).map(({ exitCode }) => exitCode)).toEqual([...all.keys()]);
});

it("takes a large environment", async () => {
  const big = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`BIG${i}`, "x".repeat(100_000)]));
  const started = await shims.start(run("a", "echo ${#BIG14}", big));
  await started.exited;
  expect(readFileSync(join(dir, "a/stdout"), "utf8")).toBe("100000\n");
});

it("refuses a folder that was used before", async () => {
  mkdirSync(join(dir, "a"));
  await expect(shims.start(run("a", "touch ran"))).rejects.toThrow("EEXIST");
  expect(existsSync(join(dir, "ran"))).toBe(false);
});

it("says why a process can't be started", async () => {
  await expect(shims.start({ ...run("a", "true"), cwd: join(dir, "nowhere") })).rejects.toThrow("No such file");
});

/** What a busy machine does now and then: it says that a process was started before the kernel has made it a shim, and then it is lost. */
class Hasty extends Spawner {
  override start({ dir: folder }: { dir: string }): Promise<Started> {
    const text = `sleep 0.3; exec ${shimPath} run --dir ${folder} -- sh -c 'exit 5'`;
    const { pid = 0 } = spawn("/bin/bash", ["-c", text], { stdio: "ignore" });
    const ended = Promise.reject(new SpawnerLost("killed"));
    ended.catch(() => undefined);
    return Promise.resolve({ pid, ended });
  }
}

it("does not take for dead what has not yet become a shim", async () => {
  const started = await new LocalShims(new Hasty(shimPath, log), fenceOf, log).start(run("a", ""));
  expect(await started.exited).toMatchObject({ exitCode: 5, signal: 0 });
});

it("loses neither processes nor their exits with the helper that started them", async () => {
  const started = await shims.start(run("a", `while [ ! -e ${dir}/go ]; do sleep 0.02; done; exit 5`));
  process.kill(helperOf(started.pid), "SIGKILL");
  writeFileSync(join(dir, "go"), "");
  expect(await started.exited).toMatchObject({ exitCode: 5, signal: 0 });
  const next = await shims.start(run("b", "exit 6"));
  expect((await next.exited).exitCode).toBe(6);
});

it("takes up what another has started, and what has ended since", async () => {
  const started = await shims.start(run("a", `while [ ! -e ${dir}/go ]; do sleep 0.02; done; exit 5`));
  const other = new LocalShims(new Spawner(shimPath, log), fenceOf, log);
  const adopted = await other.adopt(join(dir, "a"));
  expect(adopted?.pid).toBe(started.pid);
  writeFileSync(join(dir, "go"), "");
  expect(await adopted?.exited).toMatchObject({ exitCode: 5, signal: 0 });
  expect(await (await other.adopt(join(dir, "a")))?.exited).toMatchObject({ exitCode: 5, signal: 0 });
  expect(await other.adopt(join(dir, "never"))).toBeUndefined();
});

it("notices that an adopted shim was killed", async () => {
  const started = await shims.start(run("a", "sleep 600"));
  const adopted = await new LocalShims(spawner, fenceOf, log).adopt(join(dir, "a"));
  process.kill(started.pid, "SIGKILL");
  expect(await adopted?.exited).toMatchObject({ exitCode: 137, lost: "the shim was killed" });
});

it("starts what belongs to a lease when its fence allows it, and kills by lease", async () => {
  const lease = parseLeaseId("0e2d6b1c-5a57-4d3f-9d61-0a5b7f0c1d2e.1")?.lease;
  if (!lease) throw new Error("not a lease id");
  makeFence(dir, lease, -1_000);
  const started = await shims.start(run("a", "echo $$ > pid; exec sleep 600", { STOKER_LEASE: lease }));
  // The time in which it would have begun.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(existsSync(join(dir, "pid"))).toBe(false);
  makeFence(dir, lease, 60_000);
  while (!existsSync(join(dir, "pid"))) await new Promise((resolve) => setTimeout(resolve, 5));
  await new LeaseSignals(shimPath, dir, () => undefined, log).kill(lease);
  expect(await started.exited).toMatchObject({ exitCode: 137, signal: 9 });
});

it("removes folders in the background, and follows no link out of them", async () => {
  mkdirSync(join(dir, "away/deep"), { recursive: true });
  writeFileSync(join(dir, "away/deep/file"), "x");
  writeFileSync(join(dir, "kept"), "x");
  execFileSync("ln", ["-s", dir, join(dir, "away/link")]);
  spawner.remove(join(dir, "away"));
  const deadline = Date.now() + 5_000;
  while (existsSync(join(dir, "away")) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(existsSync(join(dir, "away"))).toBe(false);
  expect(existsSync(join(dir, "kept"))).toBe(true);
});
