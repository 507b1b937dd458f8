import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const folder = resolve(import.meta.dirname, "../../systemd");
const units = ["stoker-coordinator.service", "stoker-agent.service"];

/** As they are, but for programs that are not installed here. */
function copies(): string[] {
  const scratch = mkdtempSync(join(tmpdir(), "stoker-units-"));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  return units.map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const path = join(scratch, name);
    writeFileSync(path, text.replaceAll(/\/usr\/lib\/stoker\/[\w.-]+/g, "/bin/true"));
    return path;
  });
}

test("systemd has nothing to say against the units", () => {
  const words = ["verify", "--recursive-errors=no", "--man=no", ...copies()];
  const { status, stdout, stderr } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
});

test("the coordinator is exposed to 2.5 of 10 at most, by systemd's own count", () => {
  const [coordinator = ""] = copies();
  const words = ["security", "--offline=true", "--threshold=25", "--no-pager", coordinator];
  const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
  expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(2.5);
  expect(status).toBe(0);
});

test("the coordinator can learn this machine's addresses, which its certificate names", () => {
  const unit = readFileSync(join(folder, "stoker-coordinator.service"), "utf8");
  expect(unit).toMatch(/^RestrictAddressFamilies=.*\bAF_NETLINK\b/m);
});

test("ranks outlive the agent, and can't speak for it", () => {
  const unit = readFileSync(join(folder, "stoker-agent.service"), "utf8");
  for (const line of ["KillMode=process", "Delegate=yes", "Type=notify", "NotifyAccess=main", "OOMPolicy=continue"]) {
    expect(unit.split("\n")).toContain(line);
  }
  expect(unit).toMatch(/^WatchdogSec=\d+$/m);
});

test("systemd can read the accounts and folders", () => {
  for (const [program, files] of [
    ["systemd-sysusers", ["stoker.sysusers", "stoker-agent.sysusers"]],
    ["systemd-tmpfiles", ["stoker-agent.tmpfiles"]],
  ] as const) {
    const root = mkdtempSync(join(tmpdir(), "stoker-root-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, "etc"));
    const words = [`--root=${root}`, ...(program === "systemd-tmpfiles" ? ["--create"] : [])];
    execFileSync(program, [...words, ...files.map((name) => join(folder, name))], { stdio: "pipe" });
    if (program === "systemd-sysusers") {
      // The same on every machine: a job on two of them has one owner on a file server.
      expect(readFileSync(join(root, "etc/passwd"), "utf8")).toMatch(/^stoker-job:[^:]*:60741:60741:/m);
    }
    const made = program === "systemd-sysusers" ? join(root, "etc/passwd") : join(root, "run/stoker");
    expect(execFileSync("ls", ["-d", made], { encoding: "utf8" }).trim()).toBe(made);
  }
});
