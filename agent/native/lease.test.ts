import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { processesWith, run, scratch, shim, stateOf } from "./scratch.js";

function start(script: string, marks: { lease: string }) {
  const spool = scratch();
  const dir = join(spool, marks.lease, "rank-0");
  mkdirSync(dir, { recursive: true });
  const shimRun = run(["run", "--dir", dir, "--", "sh", "-c", script], { env: { STOKER_LEASE: marks.lease } });
  onTestFinished(async () => {
    await order("kill", marks.lease, spool);
  });
  return { dir, spool, ...shimRun };
}

const order = (word: string, lease: string, spool?: string) =>
  run([word, "--lease", lease, ...(spool === undefined ? [] : ["--spool", spool])]).ended;

/** Those that a freeze has to stop: shims do nothing but wait. */
const running = (mark: string) =>
  processesWith(mark).filter((pid) => !isShim(pid) && !["T", "t", "Z", undefined].includes(stateOf(pid)));

const isShim = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(shim);

test("freeze stops every process of the lease, and thaw lets them go on without loss", async () => {
  const lease = `${randomUUID()}.1`;
  const mark = randomUUID();
  const { dir, ended } = start(`: ${mark}; for i in $(seq 40); do echo $i; sleep 0.02; done; exit 6`, { lease });
  await vi.waitFor(() => expect(readFileSync(join(dir, "stdout"), "utf8")).toContain("3\n"), 5_000);
  expect((await order("freeze", lease)).code).toBe(0);
  expect(processesWith(mark).length).toBeGreaterThan(1);
  expect(running(mark)).toEqual([]);
  const held = readFileSync(join(dir, "stdout"), "utf8");
  // The time of two lines, in which a running one would have written.
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(readFileSync(join(dir, "stdout"), "utf8")).toBe(held);
  expect((await order("thaw", lease)).code).toBe(0);
  await ended;
  expect(readFileSync(join(dir, "stdout"), "utf8").trim().split("\n")).toHaveLength(40);
  expect(JSON.parse(readFileSync(join(dir, "exit"), "utf8"))).toMatchObject({ code: 6 });
});

test("freeze and kill outrun processes that fork, leave their session and change their environment", async () => {
  const lease = `${randomUUID()}.2`;
  const mark = randomUUID();
  const file = join(scratch(), "dots");
  const forker = `import os,time
end=time.time()+120
while time.time()<end:
    if os.fork(): os._exit(0)
    os.setsid()
    with open("${file}","a") as f: f.write(".")
`;
  const forks = () => (existsSync(file) ? statSync(file).size : 0);
  start(`for i in 1 2 3; do env -i setsid /usr/bin/python3 -c '${forker}' ${mark} & done; wait; sleep 600`, { lease });
  // Each of them is nowhere in most looks at /proc, so that one round would prove little.
  for (let round = 0, before = 0; round < 6; round++, before = forks()) {
    await vi.waitFor(() => expect(forks()).toBeGreaterThan(before + 30), 30_000);
    expect(await order("freeze", lease)).toMatchObject({ code: 0 });
    // One that waits for the disk may still write what it was about to, and stops then.
    await vi.waitFor(() => expect(running(mark)).toEqual([]), 5_000);
    const held = forks();
    // The time of hundreds of forks.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(forks()).toBe(held);
    expect((await order("thaw", lease)).code).toBe(0);
  }
  expect(await order("kill", lease)).toMatchObject({ code: 0 });
  expect(processesWith(mark)).toEqual([]);
});

test("kill leaves the shim the time to write the exit down, frozen or not", async () => {
  const lease = `${randomUUID()}.1`;
  const { dir, ended } = start("sleep 600", { lease });
  await vi.waitFor(() => expect(existsSync(join(dir, "pid"))).toBe(true), 5_000);
  await order("freeze", lease);
  expect((await order("kill", lease)).code).toBe(0);
  await ended;
  expect(JSON.parse(readFileSync(join(dir, "exit"), "utf8"))).toMatchObject({ signal: 9 });
});

test("an orphan without shim is found by its mark", async () => {
  const lease = `${randomUUID()}.1`;
  const mark = `737115${Date.now()}`;
  const { child, ended } = start(`setsid -f sleep ${mark}; sleep 600`, { lease });
  await vi.waitFor(() => expect(processesWith(`sleep\0${mark}`)).toHaveLength(1), 5_000);
  child.kill("SIGKILL");
  await ended;
  expect((await order("kill", lease)).code).toBe(0);
  expect(processesWith(`sleep\0${mark}`)).toEqual([]);
});

test("another lease's processes are left alone, one with a longer name too", async () => {
  const lease = `${randomUUID()}.1`;
  const mark = `7371175${Date.now()}`;
  start(`sleep ${mark}`, { lease: `${lease}0` });
  await vi.waitFor(() => expect(processesWith(`sleep\0${mark}`)).toHaveLength(1), 5_000);
  expect((await order("kill", lease)).code).toBe(0);
  expect(processesWith(`sleep\0${mark}`)).toHaveLength(1);
});

test("a shim without the mark is found by its folder", async () => {
  const spool = scratch();
  const lease = `${randomUUID()}.1`;
  const dir = join(spool, lease, "remote", randomUUID());
  mkdirSync(dir, { recursive: true });
  const mark = `737125${Date.now()}`;
  const { ended } = run(["run", "--dir", dir, "--", "sleep", mark]);
  await vi.waitFor(() => expect(existsSync(join(dir, "pid"))).toBe(true), 5_000);
  expect((await order("kill", lease, spool)).code).toBe(0);
  await ended;
  expect(processesWith(`sleep\0${mark}`)).toEqual([]);
});

test.runIf(process.getuid?.() === 0)(
  "a shim that a rank starts itself, as its account, is stopped like all that it starts",
  async () => {
    const lease = `${randomUUID()}.1`;
    const dir = scratch();
    chmodSync(dir, 0o777);
    const child = spawn(shim, ["run", "--dir", dir, "--", "sleep", "600"], {
      ...{ uid: 61_001, gid: 61_001, stdio: "ignore", cwd: "/" },
      env: { PATH: process.env.PATH ?? "", STOKER_LEASE: lease },
    });
    onTestFinished(async () => {
      await order("kill", lease);
    });
    await vi.waitFor(() => expect(existsSync(join(dir, "pid"))).toBe(true), 5_000);
    expect((await order("freeze", lease)).code).toBe(0);
    expect(stateOf(child.pid ?? 0)).toBe("T");
  },
);

test("an order without a lease is refused", async () => {
  expect(await order("kill", "")).toMatchObject({ code: 2 });
});

test("what another agent of this machine started for the same lease is left alone, also where a launcher gave it our variables", async () => {
  const lease = `${randomUUID()}.7`;
  const [own, other, orphan] = [randomUUID(), randomUUID(), randomUUID()];
  const { spool } = start(`: ${own}; sleep 600; exit`, { lease });
  start(`: ${other}; sleep 600; exit`, { lease });
  // One that left its shim: nothing but its environment tells whose it is.
  const socket = join(scratch(), "agent.sock");
  const server = createServer().listen(socket);
  onTestFinished(() => void server.close());
  const child = spawn("sh", ["-c", `: ${orphan}; sleep 600; exit`], {
    env: { PATH: process.env.PATH ?? "", STOKER_LEASE: lease, STOKER_SOCKET: socket },
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  for (const mark of [own, other, orphan]) {
    await vi.waitFor(() => expect(processesWith(mark).length).toBeGreaterThan(0), 5_000);
  }
  expect((await order("freeze", lease, spool)).code).toBe(0);
  expect(running(own)).toEqual([]);
  expect(running(other)).not.toEqual([]);
  expect(running(orphan)).not.toEqual([]);
  expect((await order("kill", lease, spool)).code).toBe(0);
  expect(processesWith(own)).toEqual([]);
  expect(processesWith(other)).not.toEqual([]);
  expect(processesWith(orphan)).not.toEqual([]);
  // Nobody listens there any more: then it may well be ours.
  await new Promise((resolve) => server.close(resolve));
  expect((await order("kill", lease, spool)).code).toBe(0);
  expect(processesWith(orphan)).toEqual([]);
  expect(processesWith(other)).not.toEqual([]);
});
