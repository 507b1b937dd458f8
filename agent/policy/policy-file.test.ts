import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPolicy } from "../core/policy/policy.js";
import { Owner } from "./owner.js";
import { PolicyFile, readPolicy } from "./policy-file.js";
import { signsOf } from "./signs.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-policy-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("a policy file", () => {
  it("says all that an owner may say", () => {
    const read = readPolicy(`
hours: ["mon-fri 19:00-07:00", "sat,sun 00:00-24:00"]
users: { allow: [alice], deny: [mallory] }
gpus: [0, GPU-5f1e]
containersOnly: true
allowAdminAccounts: false
allowRoot: true
reclaim: { seat: true, gpuClients: true, quietMinutes: 5 }
`);
    expect(read).toEqual({
      hours: [
        { days: [1, 2, 3, 4, 5], from: 1140, to: 420 },
        { days: [6, 0], from: 0, to: 1440 },
      ],
      users: { allow: ["alice"], deny: ["mallory"] },
      ...{ gpus: [0, "GPU-5f1e"], containersOnly: true, allowAdminAccounts: false, allowRoot: true },
      reclaim: { seat: true, ssh: false, gpuClients: true, quietMs: 300_000 },
    });
  });

  it.each([
    ["hours: [always]", 'hours: "always"'],
    ["user: {}", "user"],
    ["users: { allow: alice }", "users.allow"],
    ["{", ""],
    ["[1]", ""],
  ])("that makes no sense says where: %s", (text, where) => {
    expect(readPolicy(text)).toContain(where);
  });

  it("is read again when it changes, and allows all that it does not name where there is none", () => {
    const path = join(dir, "policy.yaml");
    const file = new PolicyFile(path);
    expect(file.get()).toEqual(openPolicy);
    writeFileSync(path, "containersOnly: true\n");
    expect(file.get()).toMatchObject({ containersOnly: true });
    writeFileSync(path, "containersOnly: perhaps\n");
    expect(file.get()).toContain("containersOnly");
    rmSync(path);
    expect(file.get()).toEqual(openPolicy);
  });

  it("lets clusters have admin accounts only while it can be read and does not forbid them", () => {
    const path = join(dir, "policy.yaml");
    const owner = new Owner(path, pino({ level: "silent" }));
    const allows = () => [owner.allowsAdminAccounts(true), owner.allowsAdminAccounts(false)];
    expect(allows()).toEqual([true, false]);
    writeFileSync(path, "allowAdminAccounts: false\n");
    expect(allows()).toEqual([false, false]);
    writeFileSync(path, "allowAdminAccounts: perhaps\n");
    expect(allows()).toEqual([false, false]);
    writeFileSync(path, "allowAdminAccounts: true # again\n");
    expect(allows()).toEqual([true, true]);
  });

  it("that can't be understood gives no GPU, as those that it meant to keep are not known", () => {
    const path = join(dir, "policy.yaml");
    const owner = new Owner(path, pino({ level: "silent" }));
    const gpus = [0, 1].map((index) => ({ index, uuid: `GPU-${index}` }));
    expect(owner.given(gpus)).toEqual(gpus);
    writeFileSync(path, "gpus: [1\n");
    expect(owner.given(gpus)).toEqual([]);
    writeFileSync(path, "gpus: [1]\n");
    expect(owner.given(gpus)).toEqual(gpus.slice(1));
  });

  it("is nobody's when others may write it", () => {
    const path = join(dir, "policy.yaml");
    writeFileSync(path, "allowRoot: true\n");
    chmodSync(path, 0o666);
    expect(new PolicyFile(path).get()).toContain("chmod go-w");
  });
});

describe("signs of the owner", () => {
  const reclaim = { seat: false, ssh: false, gpuClients: false, quietMs: 0 };
  const session = (name: string, lines: string[]) =>
    writeFileSync(join(dir, "sessions", name), `${lines.join("\n")}\n`);
  const places = () => ({ sessions: join(dir, "sessions"), proc: join(dir, "proc") });
  const alice = ["UID=1000", "USER=alice", "STATE=active", "CLASS=user"];
  beforeEach(() => {
    mkdirSync(join(dir, "sessions"));
    mkdirSync(join(dir, "proc"));
  });

  it("are who sits at it, and who is logged in where that counts", () => {
    session("1", [...alice, "REMOTE=0", "SEAT=seat0"]);
    session("2", ["UID=1001", "USER=bob", "STATE=active", "CLASS=user", "REMOTE=1"]);
    expect(signsOf({ ...reclaim, seat: true }, places())).toEqual(["alice sits at it"]);
    expect(signsOf({ ...reclaim, ssh: true }, places())).toEqual(["bob is logged in"]);
    expect(signsOf(reclaim, places())).toEqual([]);
  });

  it("are neither a greeter, nor a session that is closing, nor root", () => {
    session("1", ["UID=120", "USER=gdm", "STATE=active", "CLASS=greeter", "SEAT=seat0"]);
    session("2", [...alice.map((line) => line.replace("active", "closing")), "SEAT=seat0"]);
    session("3", ["UID=0", "USER=root", "STATE=active", "CLASS=user", "SEAT=seat0"]);
    expect(signsOf({ ...reclaim, seat: true, ssh: true }, places())).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)("are people's processes that use a GPU, and no job's", async () => {
    const { chownSync } = await import("node:fs");
    const process = (pid: string, device: string, environment: string, uid: number) => {
      const folder = join(dir, "proc", pid);
      mkdirSync(join(folder, "fd"), { recursive: true });
      symlinkSync(device, join(folder, "fd", "3"));
      writeFileSync(join(folder, "comm"), "python\n");
      writeFileSync(join(folder, "environ"), environment);
      writeFileSync(join(folder, "cgroup"), "0::/user.slice\n");
      chownSync(folder, uid, uid);
    };
    process("10", "/dev/nvidia0", "HOME=/home/alice\0", 1000);
    process("11", "/dev/nvidia0", "A=b\0STOKER_LEASE=x\0", 1000);
    process("12", "/dev/nvidiactl", "", 1000);
    process("13", "/dev/nvidia0", "", 110);
    // Of files that are closed meanwhile nothing can be read: what is no link stands for them.
    writeFileSync(join(dir, "proc/10/fd/0"), "");
    expect(signsOf({ ...reclaim, gpuClients: true }, places())).toEqual(["process 10 (python) uses a GPU"]);
  });
});
