import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, expect, it } from "vitest";
import { until } from "../../test/fakes/until.js";
import { scratch } from "./scratch.js";

const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
/** Another number for each: the last test's may take a moment to go. */
let last = 3917;
let holder: ChildProcess | undefined;
afterEach(() => holder?.kill("SIGKILL"));

const startOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")[19] ?? "";

/** The process that sleeps in the namespaces that these words of unshare make. */
async function hold(...words: string[]): Promise<number> {
  const seconds = String(last++);
  holder = spawn("unshare", [...words, "--kill-child", "sleep", seconds], { stdio: "ignore" });
  const isSleep = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
  return until("the holder", () => {
    const children = readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return isSleep(pid);
      } catch {
        return false;
      }
    });
    return children[0] === undefined ? undefined : Number(children[0]);
  });
}

const enter = (pid: number, command: string[], start = startOf(pid), more: string[] = []) =>
  spawnSync(shim, ["enter", "--holder", String(pid), "--start", start, ...more, "--", ...command], {
    encoding: "utf8",
  });

it("becomes a program there, in a directory, with the holder's host name and no more rights than it has", async () => {
  const pid = await hold("--mount", "--uts", "--fork");
  expect(enter(pid, ["/bin/hostname", "boxed"]).status).toBe(0);
  const inside = enter(pid, ["/bin/sh", "-c", "hostname; pwd; readlink /proc/self/ns/mnt; exit 7"], undefined, [
    ...["--directory", "/usr"],
  ]);
  expect(inside.stdout.split("\n").slice(0, 2)).toEqual(["boxed", "/usr"]);
  expect(inside.stdout).not.toContain(spawnSync("readlink", ["/proc/self/ns/mnt"], { encoding: "utf8" }).stdout.trim());
  expect(inside.status).toBe(7);
  expect(spawnSync("hostname", { encoding: "utf8" }).stdout.trim()).not.toBe("boxed");
});

it("shows the machine's processes where the holder has numbers of its own, and nothing that could stop the machine", async () => {
  const pid = await hold("--mount", "--pid", "--fork", "--mount-proc");
  const { stdout } = enter(pid, [
    "/bin/bash",
    "-c",
    'echo "$$ $(readlink /proc/self) $BASHPID"; [ -w /proc/sys/vm/swappiness ] || echo locked',
  ]);
  const [numbers = "", settings] = stdout.split("\n");
  const [shell, self] = numbers.split(" ").map(Number);
  expect(shell).toBeGreaterThan(1);
  expect(self).toBeGreaterThan(1);
  expect(settings).toBe("locked");
});

it("shows an account's processes none of others, over whatever /proc the container has", async () => {
  const pid = await hold("--mount", "--fork");
  const file = join(scratch(), "confine");
  writeFileSync(file, "uid 61001\ngid 61001\ngroups 61001\nhide processes\n");
  const look = () =>
    enter(pid, ["/bin/bash", "-c", "stat -c %u /proc/[0-9]* | sort -u; grep -c ' /proc ' /proc/mounts"], undefined, [
      ...["--confine", file],
    ]).stdout;
  const first = look();
  expect(first).toMatch(/^61001\n2\n$/);
  // Those who come later find it so.
  expect(look()).toBe(first);
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toMatch(/ \/proc .*hidepid/);
});

it("says as a shell does what it can't start, and never enters another process's surroundings", async () => {
  const pid = await hold("--mount", "--fork");
  expect(enter(pid, ["/bin/not-there"])).toMatchObject({
    status: 127,
    stderr: expect.stringContaining("/bin/not-there"),
  });
  expect(enter(pid, ["/bin/true"], "1")).toMatchObject({ status: 126, stderr: expect.stringContaining("is gone") });
  expect(enter(999_999_999, ["/bin/true"], "1").status).toBe(126);
  expect(spawnSync(shim, ["enter", "--holder", "x"]).status).toBe(2);
});
