import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { processesWith, run, scratch, shim } from "./scratch.js";

const exitOf = (dir: string) => JSON.parse(readFileSync(join(dir, "exit"), "utf8")) as Record<string, number>;
const output = (dir: string, name = "stdout") => readFileSync(join(dir, name), "utf8");

test("a process's output, its end and the time of it are on disk", async () => {
  const dir = scratch();
  const before = Date.now();
  await run(["run", "--dir", dir, "--", "sh", "-c", "echo out; echo err >&2; exit 7"]).ended;
  expect(output(dir)).toBe("out\n");
  expect(output(dir, "stderr")).toBe("err\n");
  expect(exitOf(dir)).toMatchObject({ code: 7, bytes: [4, 4], dropped: [0, 0] });
  expect(exitOf(dir).endedAtMs).toBeGreaterThanOrEqual(before - 1);
});

test("the signal that ended it is told as such", async () => {
  const dir = scratch();
  await run(["run", "--dir", dir, "sh", "-c", "kill -9 $$"]).ended;
  expect(exitOf(dir)).toMatchObject({ signal: 9 });
});

test("a command that does not exist ends as in a shell", async () => {
  const dir = scratch();
  await run(["run", "--dir", dir, "--", "/no/such/program"]).ended;
  expect(exitOf(dir).code).toBe(127);
  expect(output(dir, "stderr")).toContain("/no/such/program");
});

test("it has a session of its own, no input, and no open file of the starter", async () => {
  const dir = scratch();
  await run([
    "run",
    "--dir",
    dir,
    "--",
    "sh",
    "-c",
    "ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; ps -o sid= -p $$; echo $$",
  ]).ended;
  const [files, input, session, pid] = output(dir).split("\n");
  // Input, output, errors and the folder that ls itself reads.
  expect(files?.trim()).toBe("4");
  expect(input).toBe("/dev/null");
  expect(session?.trim()).toBe(pid?.trim());
});

test("it begins with a modest limit of open files, and may raise it again", async () => {
  const dir = scratch();
  const hard = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
  await run(["run", "--dir", dir, "--", "bash", "-c", "ulimit -Sn; ulimit -Hn; ulimit -Sn hard && ulimit -Sn"]).ended;
  const modest = String(Math.min(8192, Number(hard) || 8192));
  expect(output(dir).trim().split("\n")).toEqual([modest, hard, hard]);
});

test("descendants that left the session and were orphaned end with it", async () => {
  const dir = scratch();
  const mark = `7362${Date.now()}`;
  await run([
    "run",
    "--dir",
    dir,
    "--",
    "sh",
    "-c",
    `(setsid setsid sh -c 'trap "" TERM; sleep ${mark}; :' &) ; env -i setsid -f sleep ${mark}`,
  ]).ended;
  expect(exitOf(dir).code).toBe(0);
  expect(processesWith(mark)).toEqual([]);
});

test("a descendant that forks all the time does not get away", async () => {
  const dir = scratch();
  const mark = `fork-all-the-time-${Date.now()}`;
  const forker = `import os,time
end=time.time()+60
while time.time()<end:
    if os.fork(): os._exit(0)
    os.setsid()
`;
  await run([
    "run",
    "--dir",
    dir,
    "--",
    "sh",
    "-c",
    `for i in 1 2 3; do python3 -c '${forker}' ${mark} & done; sleep 0.3; exit 4`,
  ]).ended;
  expect(exitOf(dir).code).toBe(4);
  expect(processesWith(mark)).toEqual([]);
});

test("SIGTERM reaches the whole tree, and the process may end as it likes", async () => {
  const dir = scratch();
  const { child, ended } = run([
    "run",
    "--dir",
    dir,
    "--",
    "sh",
    "-c",
    "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done",
  ]);
  await vi.waitFor(() => expect(output(dir)).toContain("up"), 5_000);
  child.kill("SIGTERM");
  await ended;
  expect(output(dir)).toContain("asked");
  expect(exitOf(dir).code).toBe(5);
});

test("its pids can be told from later ones of the same number", async () => {
  const dir = scratch();
  const { child, ended } = run(["run", "--dir", dir, "--", "sleep", "0.2"]);
  await ended;
  const [pid, start, childPid, childStart] = output(dir, "pid").trim().split(" ").map(Number);
  expect(pid).toBe(child.pid);
  expect(childPid).toBeGreaterThan(1);
  expect(start).toBeGreaterThan(0);
  expect(childStart).toBeGreaterThanOrEqual(start ?? 0);
});

test("the process dies with a shim that is killed", async () => {
  const dir = scratch();
  const mark = `7361${Date.now()}`;
  const { child, ended } = run(["run", "--dir", dir, "--", "sleep", mark]);
  onTestFinished(() => void child.kill("SIGQUIT"));
  await vi.waitFor(() => expect(processesWith(`sleep\0${mark}`)).toHaveLength(2), 5_000);
  child.kill("SIGKILL");
  await ended;
  await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), 5_000);
});

test("SIGQUIT ends the whole tree, whatever it ignores, and the end is on disk", async () => {
  const dir = scratch();
  const { child, ended } = run([
    "run",
    "--dir",
    dir,
    "--",
    "sh",
    "-c",
    "trap '' TERM QUIT; echo up; while :; do sleep 0.05; done",
  ]);
  await vi.waitFor(() => expect(output(dir)).toContain("up"), 5_000);
  child.kill("SIGQUIT");
  await ended;
  expect(exitOf(dir)).toMatchObject({ signal: 9 });
});

const canMount = userInfo().uid === 0 && spawnSync("unshare", ["-m", "true"]).status === 0;

test.skipIf(!canMount)("a full disk does not cost the exit code", async () => {
  const dir = scratch();
  // In a mount namespace of its own, which ends with the test.
  const script = `mount -t tmpfs -o size=400k tmpfs ${dir} && ${shim} run --dir ${dir} -- sh -c 'head -c 400000 /dev/zero; exit 6'
    df --output=avail ${dir} | tail -1; cat ${dir}/exit; stat -c %s ${dir}/stdout; od -A n -t u8 -j 16 -N 8 ${dir}/stdout.tail`;
  const { stdout } = spawnSync("unshare", ["-m", "sh", "-c", script], { encoding: "utf8" });
  const [available, exit, kept, dropped] = stdout.trim().split("\n");
  expect(available?.trim()).toBe("0");
  expect(JSON.parse(exit ?? "{}")).toMatchObject({ code: 6 });
  expect(Number(kept)).toBeGreaterThan(100_000);
  expect(Number(kept) + Number(dropped)).toBe(400_000);
});

test("what a setup task leaves running stays when it has ended well, and ends with it else", async () => {
  const mark = `sleep 60${process.pid % 1000}7`;
  const text = (code: number) => `exec >/dev/null 2>&1; setsid ${mark} & exit ${code}`;
  const left = () => processesWith(mark.replace(" ", "\0"));
  onTestFinished(() => {
    for (const pid of left()) process.kill(pid, "SIGKILL");
  });
  const environment = { env: { STOKER_LEAVE_OFFSPRING: "1" } };
  const [good, bad] = [scratch(), scratch()];
  await run(["run", "--dir", bad, "--", "bash", "-c", text(3)], environment).ended;
  expect(exitOf(bad).code).toBe(3);
  expect(left()).toEqual([]);
  await run(["run", "--dir", good, "--", "bash", "-c", text(0)], environment).ended;
  expect(exitOf(good).code).toBe(0);
  // The shell may have ended before its child became what is looked for.
  await vi.waitFor(() => expect(left()).toHaveLength(1), 10_000);
});
