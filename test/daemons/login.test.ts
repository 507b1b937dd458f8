import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeWorld } from "../../cli/testing/fake-world.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { CoordinatorProcess } from "../fakes/coordinator-process.js";

const coordinator = new CoordinatorProcess();
const password = "correct horse battery";
/** As openssl prints it. */
let fingerprint = "";

beforeAll(async () => {
  await coordinator.start(["--tls", "migrate"]);
  await coordinator.client(UserService).createUser({ name: "ada", password });
  fingerprint = new X509Certificate(readFileSync(join(coordinator.dataDir, "pki", "ca.pem"))).fingerprint256;
}, 60_000);
afterAll(() => coordinator.dispose());

test("with the fingerprint that an administrator says, and not with another", async () => {
  const world = new FakeWorld();
  world.environment = {};
  world.stdin = `${password}\n`;
  const login = ["login", coordinator.address, "-u", "ada", "--password-stdin"];
  expect(await world.run(...login)).not.toBe(0);
  expect(world.stderr).toMatch(/has the fingerprint [0-9a-f]{64}: .* give it with --pin/);
  expect(await world.run(...login, "--pin", fingerprint.replace(/[0-9]/g, "0"))).not.toBe(0);
  expect(world.stderr).toContain("not the one of --pin");
  expect(await world.run(...login, "--pin", fingerprint), world.stderr).toBe(0);
  // The profile holds whom to believe from now on.
  expect(await world.run("whoami"), world.stderr).toBe(0);
  expect(world.stdout).toMatch(/Name: +ada/);
  expect(await world.run("login", "-u", "ada", "--password-stdin"), world.stderr).toBe(0);
});

test("asked on a terminal, for the name and, unseen, the password too", async () => {
  const world = new FakeWorld();
  world.environment = {};
  world.isInteractive = true;
  world.answers = ["n"];
  expect(await world.run("login", coordinator.address)).not.toBe(0);
  expect(world.questions).toEqual(["Does an administrator say the same? [y/N] "]);
  world.answers = ["y", "ada", password];
  expect(await world.run("login", coordinator.address), world.stderr).toBe(0);
  expect(world.questions.at(-1)).toBe("Password of ada: ");
  world.answers = [password, "another horse", "another horse"];
  expect(await world.run("user", "password"), world.stderr).toBe(0);
  expect(await world.run("logout"), world.stderr).toBe(0);
  world.answers = ["another horse"];
  expect(await world.run("login", "-u", "ada"), world.stderr).toBe(0);
});
