import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { validityOf } from "../../agent/identity/identity-file.js";
import { FakeWorld } from "../../cli/testing/fake-world.js";
import { requestFor, userRequest } from "../../shared/certificate-request.js";
import { bearer, type Credential, trusting } from "../../shared/credentials.js";
import { AgentService } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { AuditService } from "../../shared/gen/stoker/v1/audit_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { JoinService } from "../../shared/gen/stoker/v1/join_service_pb.js";
import { RoleService } from "../../shared/gen/stoker/v1/role_service_pb.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { type Connection, connect, type ServiceClient } from "../../shared/grpc.js";
import {
  authorityOf,
  certificateOf,
  expiredCertificate,
  forged,
  shownTo,
  type UserCertificate,
} from "../access/certificates.js";
import { CoordinatorProcess, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

vi.setConfig({ testTimeout: 60_000 });
const coordinator = new CoordinatorProcess();
const password = "correct horse battery";
const hourMs = 3_600_000;
const connections: Connection[] = [];

beforeAll(async () => {
  await coordinator.start(["--tls", "migrate"]);
  await coordinator.furnish("w");
  const users = coordinator.client(UserService);
  await users.createUser({ name: "ada", password });
  await users.createUser({ name: "grace" });
  await coordinator.client(RoleService).grantRole({ user: "ada", workspace: "workspaces/w", role: "contributor" });
}, 60_000);
afterEach(() => {
  vi.useRealTimers();
  for (const connection of connections.splice(0)) connection.close();
});
afterAll(() => coordinator.dispose());

const caPath = () => join(coordinator.dataDir, "pki", "ca.pem");

function as<S extends DescService>(service: S, credential: Credential): ServiceClient<S> {
  const connection = connect(coordinator.address, credential, { apart: true });
  connections.push(connection);
  return connection.client(service);
}

const whoIs = (shown: UserCertificate, more: Partial<Credential> = {}) =>
  as(SignInService, { ...shownTo(coordinator, shown), ...more }).getCaller({});

function world(): FakeWorld {
  const made = new FakeWorld();
  made.environment = {};
  return made;
}

async function ran(by: FakeWorld, ...argv: string[]): Promise<void> {
  expect(await by.run(...argv), `${argv.join(" ")}: ${by.stderr}`).toBe(0);
}

async function signedIn(...more: string[]): Promise<FakeWorld> {
  const ada = world();
  ada.stdin = `${password}\n`;
  await ran(ada, "login", coordinator.address, "--authority-file", caPath(), "-u", "ada", "--password-stdin", ...more);
  return ada;
}

const asAdministrator = () => {
  const root = world();
  root.environment = {
    ...{ STOKER_COORDINATOR: coordinator.address, STOKER_TOKEN: coordinator.token },
    ...{ STOKER_AUTHORITY_FILE: caPath() },
  };
  return root;
};

test("signing in for a certificate: its key stays here, and no token is kept; signing out ends both", async () => {
  const ada = await signedIn("--certificate", "--token-name", "laptop");
  const config = readFileSync(join(ada.configFolder, "config.yaml"), "utf8");
  const [, file = ""] = /certificateFile: (\S+)/.exec(config) ?? [];
  expect(config).not.toMatch(/token: /);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toMatch(/BEGIN PRIVATE KEY[\s\S]+BEGIN CERTIFICATE/);
  await ran(ada, "whoami");
  expect(ada.stdout).toMatch(/Name: +ada[\s\S]+By: +certificate laptop[\s\S]+contributor of w/);
  await ran(ada, "experiment", "create", "-w", "w", "mine");
  const root = asAdministrator();
  await ran(root, "audit", "list", "--user", "ada", "-o", "json");
  expect(root.stdout).toMatch(/"credential": "certificate laptop",\s+"verb": "ExperimentService.CreateExperiment"/);
  // Another sign-in on this machine: the token is shown in its place, and the key is gone.
  const copy = join(ada.configFolder, "copy.pem");
  writeFileSync(copy, readFileSync(file));
  await ran(ada, "login", "-u", "ada", "--password-stdin");
  expect(existsSync(file)).toBe(false);
  await ran(ada, "whoami", "--certificate-file", copy);
  await ran(ada, "logout", "--certificate-file", copy);
  expect(await ada.run("whoami", "--certificate-file", copy)).toBe(3);
  expect(ada.stderr).toMatch(
    /certificate of user ada is not known here, or it was revoked: `stoker login --certificate`/,
  );
  await ran(ada, "whoami");
});

test("a program's, from a request that was made elsewhere: for its user alone, listed with its use, over restarts", async () => {
  const machine = world();
  const folder = machine.configFolder;
  await ran(machine, "certificate", "request", "nightly", "-u", "ada", "--folder", folder);
  const [key, csr, pem] = ["key", "csr", "pem"].map((extension) => join(folder, `nightly.${extension}`)) as [
    string,
    string,
    string,
  ];
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(await machine.run("certificate", "request", "nightly", "--folder", folder)).toBe(2);
  const root = asAdministrator();
  expect(await root.run("certificate", "sign", "nightly", "-u", "grace", "--request-file", csr)).not.toBe(0);
  expect(root.stderr).toContain("the certificate request is not for user grace, but for stoker://user/ada");
  await ran(root, "certificate", "sign", "nightly", "-u", "ada", "--request-file", csr, "--expires", "90d");
  writeFileSync(pem, root.stdout);
  machine.environment = {
    ...{ STOKER_COORDINATOR: coordinator.address, STOKER_AUTHORITY_FILE: caPath() },
    ...{ STOKER_CERTIFICATE_FILE: pem, STOKER_KEY_FILE: key },
  };
  await ran(machine, "whoami");
  expect(machine.stdout).toMatch(/By: +certificate nightly/);
  await ran(root, "token", "list", "-u", "ada", "-o", "json");
  expect(root.stdout).toMatch(/"name": "nightly",[^}]*"lastUseTime"/);
  expect(await machine.run("token", "list", "-u", "grace")).not.toBe(0);
  await coordinator.end("SIGTERM");
  await coordinator.start(["--tls", "migrate"]);
  await ran(machine, "certificate", "list", "-o", "json");
  const listed = JSON.parse(machine.stdout.slice(machine.stdout.indexOf("["))) as Array<Record<string, string>>;
  const nightly = listed.find(({ name }) => name === "nightly");
  expect(nightly).toMatchObject({ kind: "certificate", lastUseTime: expect.any(String) });
  // Good for a month at a time, for three.
  const left = (time: string | undefined) => (Date.parse(time ?? "") - Date.now()) / (24 * hourMs);
  expect(left(nightly?.certificateExpiryTime)).toBeLessThan(31);
  expect(left(nightly?.expiryTime)).toBeGreaterThan(89);
  expect(JSON.stringify(listed)).not.toMatch(/hash|[0-9a-f]{64}/);
});

test("revoked at once: what goes on ends and says why, and a connection that stands is of no more use", async () => {
  const made = await certificateOf(coordinator, "ada", { name: "watcher" });
  const credential = shownTo(coordinator, made);
  const jobs = as(JobService, credential);
  const { job } = await jobs.createJob({ parent: "workspaces/w/experiments/e", name: "watched", spec: tinyJob() });
  let ended: unknown;
  const watch = async () => {
    for await (const _ of jobs.watchJob({ id: job?.id ?? "" }));
  };
  const over = watch().catch((error: unknown) => {
    ended = error;
  });
  await coordinator.client(UserService).revokeToken({ user: "ada", name: "watcher" });
  await until("the watch ends", () => ended !== undefined, 20_000);
  await over;
  expect(ended).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("was revoked") });
  const entries = await coordinator.client(AuditService).listAuditEntries({ target: "users/ada/tokens/watcher" });
  expect(entries.entries).toMatchObject([
    { verb: "UserService.CreateCertificate", user: "administrator", outcome: "ok" },
    { verb: "UserService.RevokeToken", user: "administrator", outcome: "ok" },
  ]);
  for (const again of [jobs, as(JobService, credential)]) {
    await expect(again.getJob({ id: job?.id ?? "" })).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("not known here, or it was revoked"),
    });
  }
  const refused = await coordinator
    .client(AuditService)
    .listAuditEntries({ outcome: "unauthenticated", newestFirst: true });
  expect(refused.entries[0]?.summary).toContain("the certificate of user ada is not known here");
});

test("counts for nothing when it is over, forged, of another authority, or its user disabled or deleted", async () => {
  const good = await certificateOf(coordinator, "ada");
  expect(await whoIs(good)).toMatchObject({ name: "ada", token: { kind: "certificate" } });
  const refused = async (shown: UserCertificate, why: RegExp) =>
    expect(await whoIs(shown).catch((error: unknown) => error)).toMatchObject({
      code: "unauthenticated",
      message: expect.stringMatching(why),
    });
  await refused(await expiredCertificate(coordinator, "ada"), /has expired: `stoker login --certificate`/);
  const { Authority } = await import("../../coordinator/pki/authority.js");
  const { authority: strangers } = await Authority.make(Date.now());
  await refused(await forged(good, strangers), /not of this coordinator's authority/);
  // Even who has the authority's key makes none that counts: the catalog knows each key.
  await refused(await forged(good, authorityOf(coordinator)), /not known here/);
  const users = coordinator.client(UserService);
  const joan = await users.createUser({ name: "joan" });
  const hers = await certificateOf(coordinator, "joan");
  await users.updateUser({ id: joan.user?.id ?? "", disabled: true });
  await refused(hers, /user joan is disabled/);
  await users.updateUser({ id: joan.user?.id ?? "", disabled: false });
  expect(await whoIs(hers)).toMatchObject({ name: "joan" });
  await users.deleteUser({ id: "joan" });
  await users.createUser({ name: "joan" });
  await refused(hers, /not known here/);
});

test("with a token beside it, both must be of one user", async () => {
  const users = coordinator.client(UserService);
  const shown = await certificateOf(coordinator, "ada");
  const tokenOf = async (user: string) => (await users.createToken({ user, name: `beside-${shown.name}` })).secret;
  expect(await whoIs(shown, { metadata: bearer(await tokenOf("ada")) })).toMatchObject({ token: { kind: "token" } });
  const refused =
    /the call's token is of (grace|administrator), and its connection's certificate of ada: show one of them/;
  for (const token of [await tokenOf("grace"), coordinator.token]) {
    await expect(whoIs(shown, { metadata: bearer(token) })).rejects.toThrow(refused);
  }
});

test("is no node's: no agent's call, and no other name is made of it", async () => {
  const shown = await certificateOf(coordinator, "ada");
  const credential = shownTo(coordinator, shown);
  const session = as(AgentService, credential).session();
  session.push({ message: { case: "heartbeat", value: {} } });
  await expect(session.responses[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("the certificate is user ada's, and an agent shows one of its node"),
  });
  // As an agent is known by the shared token while a site migrates: not who encrypts.
  const both = as(AgentService, { ...credential, metadata: bearer(coordinator.token) }).session();
  both.push({ message: { case: "heartbeat", value: {} } });
  await expect(both.responses[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "unauthenticated" });
  const users = as(UserService, credential);
  const asked = { name: "x", certificateRequest: await requestFor("n1", shown.key) };
  await expect(users.createCertificate(asked)).rejects.toThrow(/is not for user ada, but for stoker:\/\/node\/n1/);
  await expect(users.createCertificate({ ...asked, user: "grace" })).rejects.toMatchObject({
    code: "permission-denied",
  });
  const { token } = await coordinator.client(JoinService).createJoinToken({});
  const certificateRequest = await userRequest(shown.key, "ada");
  const join = { token, nodeName: "n1", certificateRequest, natsKey: `U${"A".repeat(55)}` };
  await expect(as(JoinService, credential).join(join)).rejects.toThrow(/not for node n1/);
});

test("renewed by itself, for its own key alone, and no longer than it may be", async () => {
  const ada = await signedIn();
  await ran(ada, "certificate", "create", "timer", "--folder", ada.configFolder, "--expires", "60d");
  const file = join(ada.configFolder, "timer.pem");
  const kept = () => readFileSync(file, "utf8");
  const first = kept();
  const split = first.indexOf("-----BEGIN CERTIFICATE");
  const [key, certificate] = [first.slice(0, split), first.slice(split)];
  await ran(ada, "whoami", "--certificate-file", file);
  expect(kept()).toBe(first);
  // Weeks later in this program's eyes: it asks, and the coordinator, for which it is now, renews.
  vi.useFakeTimers({ toFake: ["Date"], now: validityOf(certificate).to - 5 * 24 * hourMs });
  await ran(ada, "whoami", "--certificate-file", file);
  vi.useRealTimers();
  const second = kept();
  expect(second).not.toBe(first);
  expect(second.startsWith(key.trimEnd())).toBe(true);
  await ran(ada, "whoami", "--certificate-file", file);
  await ran(ada, "certificate", "renew", "--certificate-file", file);
  const { key: another } = await certificateOf(coordinator, "ada");
  const users = as(UserService, trusting({ authority: authorityOf(coordinator).certificate, certificate, key }));
  await expect(users.renewCertificate({ certificateRequest: await userRequest(another) })).rejects.toThrow(
    /renewed for the key that it has/,
  );
  const { token } = await users.renewCertificate({ certificateRequest: await userRequest(key) });
  expect(token).toMatchObject({ name: "timer", kind: "certificate" });
  const byToken = coordinator.client(UserService, (await users.createToken({ name: "t" })).secret);
  await expect(byToken.renewCertificate({ certificateRequest: await userRequest(key) })).rejects.toMatchObject({
    code: "permission-denied",
  });
});
