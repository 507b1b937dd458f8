import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdminAccountPlanSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { Accounts } from "./accounts.js";

const isRoot = process.getuid?.() === 0;
const name = `stoker-t${process.pid % 100_000}`;
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9uZQ ann@lab";
const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHR3bw ann@lab";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-accounts-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  if (isRoot) spawnSync("userdel", ["--remove", "--force", name]);
});

const accounts = (allowed = true) => new Accounts({ folder, allowed: () => allowed }, pino({ level: "silent" }));
const plan = (given: Partial<{ name: string; sshPublicKey: string; password: string }> = {}) =>
  create(AdminAccountPlanSchema, { name, sshPublicKey: key, password: "", ...given });
const exists = (user: string) => spawnSync("getent", ["passwd", user]).status === 0;
const shadow = () => execFileSync("getent", ["shadow", name], { encoding: "utf8" }).trim().split(":");
const keys = () => readFileSync(`/home/${name}/.ssh/authorized_keys`, "utf8");
const groups = () => execFileSync("id", ["-nG", name], { encoding: "utf8" }).trim().split(" ");

test("no account is made where the machine's owner does not allow it", async () => {
  const problem = await accounts(false).make("c.1.0", plan());
  expect(problem).toContain("--allow-admin-accounts");
  expect(exists(name)).toBe(false);
});

test.each(["root", "daemon", "sudo", "systemd-oom", "-x", "a b", "a:b", ""])("%j can't be one", async (wrong) => {
  expect(await accounts().make("c.1.0", plan({ name: wrong }))).toContain("was not made");
});

test("an account that the machine has already is left as it is", async () => {
  const passwd = readFileSync("/etc/passwd", "utf8");
  const present = passwd.split("\n").map((line) => line.split(":")[0] ?? "");
  const games = present.find((user) => /^(games|man|lp|mail|news)$/.test(user));
  expect(games).toBeDefined();
  expect(await accounts().make("c.1.0", plan({ name: games ?? "" }))).toContain("which Stoker has not made");
  expect(readFileSync("/etc/passwd", "utf8")).toBe(passwd);
});

test.skipIf(!isRoot)(
  "an account has its key, its password and sudo, and is locked without them when the node leaves",
  async () => {
    expect(await accounts().make("c.1.0", plan({ password: "correct horse" }))).toBeUndefined();
    expect(keys()).toBe(`${key}\n`);
    expect(statSync(`/home/${name}/.ssh`).mode & 0o777).toBe(0o700);
    expect(shadow()[1]).toMatch(/^\$/);
    const sudo = spawnSync("getent", ["group", "sudo"]).status === 0;
    expect(groups().includes("sudo")).toBe(sudo);
    // Its owner adds a key of his own, which is not ours to remove.
    execFileSync("/bin/sh", ["-c", `echo mine >> /home/${name}/.ssh/authorized_keys`]);
    expect(readFileSync(join(folder, "accounts.json"), "utf8")).not.toContain("correct horse");

    // By a later agent.
    expect(await accounts().clear("")).toBeUndefined();
    expect(shadow()[1]).toMatch(/^!/);
    expect(shadow()[7]).toBe("1");
    expect(keys()).toBe("mine\n");
    expect(groups()).not.toContain("sudo");
    expect(existsSync(`/home/${name}`)).toBe(true);

    // Another cluster, the same name, another key.
    expect(await accounts().make("d.2.0", plan({ sshPublicKey: other }))).toBeUndefined();
    expect(shadow()[7]).toBe("");
    expect(keys()).toBe(`mine\n${other}\n`);
    expect(await accounts().clear(name)).toBeUndefined();
    expect(shadow()[7]).toBe("");
    // The machine's owner has changed his mind.
    expect(await accounts(false).make("d.2.0", plan({ sshPublicKey: other }))).toContain("--allow-admin-accounts");
    expect(shadow()[7]).toBe("1");
  },
  60_000,
);

test.skipIf(!isRoot)(
  "an account whose record is lost is a stranger",
  async () => {
    expect(await accounts().make("c.1.0", plan())).toBeUndefined();
    rmSync(join(folder, "accounts.json"));
    expect(await accounts().make("c.1.0", plan())).toContain("which Stoker has not made");
  },
  60_000,
);

test.skipIf(!isRoot)(
  "an agent that was killed while it made one goes on with it",
  async () => {
    // As on record before useradd.
    expect(await accounts().make("c.1.0", plan())).toBeUndefined();
    const text = readFileSync(join(folder, "accounts.json"), "utf8")
      .replace(/"uid":\d+/, '"uid":0')
      .replace("c.1.0", "");
    execFileSync("/bin/sh", ["-c", 'printf %s "$1" > "$2"', "sh", text, join(folder, "accounts.json")]);
    expect(await accounts().make("c.1.0", plan({ sshPublicKey: other }))).toBeUndefined();
    expect(keys()).toContain(other);
  },
  60_000,
);
