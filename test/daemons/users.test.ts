import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeWorld } from "../../cli/testing/fake-world.js";
import { bearer } from "../../shared/credentials.js";
import { AuditService } from "../../shared/gen/stoker/v1/audit_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { RoleService } from "../../shared/gen/stoker/v1/role_service_pb.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { CoordinatorProcess, tinyJob } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";
import { RawCalls } from "../fuzz/raw-calls.js";

const coordinator = new CoordinatorProcess();
const password = "correct horse battery";

/** On the coordinator's machine, with its own token. */
function administrator(): FakeWorld {
  const world = new FakeWorld();
  world.environment = { STOKER_COORDINATOR: coordinator.address, STOKER_TOKEN: coordinator.token, STOKER_TLS: "off" };
  return world;
}

async function ran(world: FakeWorld, ...argv: string[]): Promise<void> {
  const code = await world.run(...argv);
  expect(code, `${argv.join(" ")}: ${world.stderr}`).toBe(0);
}

async function signedIn(name: string): Promise<FakeWorld> {
  const world = new FakeWorld();
  world.stdin = `${password}\n`;
  await ran(world, "login", coordinator.address, "--tls", "off", "-u", name, "--password-stdin");
  return world;
}

async function userMade(name: string, role?: string, workspace = "w"): Promise<FakeWorld> {
  const root = administrator();
  root.stdin = `${password}\n`;
  await ran(root, "user", "create", name, "--password-stdin");
  if (role !== undefined) await ran(root, "role", "grant", name, role, "-w", workspace);
  return signedIn(name);
}

beforeAll(async () => {
  await coordinator.start();
  await coordinator.furnish("w");
  await coordinator.furnish("elsewhere");
}, 60_000);
afterAll(() => coordinator.dispose());

test("who signs in sees one workspace, submits there by name, and nothing else", async () => {
  const ada = await userMade("ada", "contributor");
  const config = join(ada.configFolder, "config.yaml");
  expect(statSync(config).mode & 0o777).toBe(0o600);
  await ran(ada, "whoami");
  expect(ada.stdout).toMatch(/Name: +ada[\s\S]*contributor of w/);
  await ran(ada, "workspace", "list", "-o", "json");
  expect(ada.stdout).toContain('"workspaces/w"');
  expect(ada.stdout).not.toContain("elsewhere");
  const token = /token: (\S+)/.exec(readFileSync(config, "utf8"))?.[1] ?? "";
  const jobs = coordinator.client(JobService, token);
  const { job } = await jobs.createJob({ parent: "workspaces/w/experiments/e", name: "ours", spec: tinyJob() });
  expect(job?.submittedBy).toBe("ada");
  await expect(jobs.listJobs({ parent: "workspaces/elsewhere/experiments/e" })).rejects.toMatchObject({
    code: "not-found",
  });
  // What is not there and what may not be read are answered alike.
  const answers = ["workspaces/elsewhere", "workspaces/nowhere"].map((id) =>
    coordinator
      .client(WorkspaceService, token)
      .getWorkspace({ id })
      .catch((error: Error) => error.message.replace(id, "ID")),
  );
  const [known, unknown] = await Promise.all(answers);
  expect(known).toBe(unknown);
});

test("a job's spec reaches into no workspace where its submitter is less than contributor", async () => {
  await coordinator.client(UserService).createUser({ name: "grace" });
  const { secret } = await coordinator.client(UserService).createToken({ user: "grace", name: "t" });
  const roles = coordinator.client(RoleService);
  await roles.grantRole({ user: "grace", workspace: "workspaces/w", role: "contributor" });
  const jobs = coordinator.client(JobService, secret);
  const parent = "workspaces/w/experiments/e";
  const spec = { ...tinyJob(), cluster: { id: "workspaces/elsewhere/clusters/c" } };
  await expect(jobs.createJob({ parent, name: "guest", spec })).rejects.toMatchObject({ code: "not-found" });
  await roles.grantRole({ user: "grace", workspace: "workspaces/elsewhere", role: "reader" });
  await expect(jobs.createJob({ parent, name: "guest", spec })).rejects.toMatchObject({ code: "permission-denied" });
  await roles.grantRole({ user: "grace", workspace: "workspaces/elsewhere", role: "contributor" });
  const { job } = await jobs.createJob({ parent, name: "guest", spec });
  await roles.revokeRole({ user: "grace", workspace: "workspaces/elsewhere" });
  // It waits behind a job that may not be named any more.
  await coordinator.jobs.createJob({
    parent: "workspaces/elsewhere/experiments/e",
    name: "secret-name",
    spec: { ...tinyJob(), schedulingPriority: "high" },
  });
  const told = await jobs.explainJob({ id: job?.id ?? "" });
  expect(
    JSON.stringify(told, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
  ).not.toContain("secret-name");
});

test("wrong passwords: the same words for a name that is not there, and then a wait", async () => {
  await userMade("eve");
  const attempt = async (name: string) => {
    const world = new FakeWorld();
    world.stdin = "wrong password\n";
    expect(await world.run("login", coordinator.address, "--tls", "off", "-u", name, "--password-stdin")).not.toBe(0);
    return world.stderr;
  };
  expect(await attempt("eve")).toContain("the name or the password is wrong");
  expect(await attempt("nobody")).toContain("the name or the password is wrong");
  let said = "";
  for (let tries = 0; tries < 12 && !said.includes("too many"); tries += 1) said = await attempt("eve");
  expect(said).toMatch(/too many wrong passwords: try again in \d+ s/);
  expect(await coordinator.output).not.toContain(password);
});

test("wrong passwords that come all at once are no more tries than those that come one by one", async () => {
  const signIn = coordinator.client(SignInService);
  const tries = Array.from({ length: 20 }, () => signIn.signIn({ name: "crowd", password: "guess it" }).catch(String));
  const learned = (await Promise.all(tries)).filter((said) => /password is wrong/.test(String(said)));
  expect(learned.length).toBeGreaterThan(0);
  expect(learned.length).toBeLessThan(15);
});

test("a role that is revoked ends what goes on by it, and the rest stays", async () => {
  const users = coordinator.client(UserService);
  const roles = coordinator.client(RoleService);
  await users.createUser({ name: "hedy" });
  await roles.grantRole({ user: "hedy", workspace: "workspaces/w", role: "contributor" });
  const { secret } = await users.createToken({ user: "hedy", name: "t" });
  const jobs = coordinator.client(JobService, secret);
  const { job } = await jobs.createJob({ parent: "workspaces/w/experiments/e", name: "hedys", spec: tinyJob() });
  const id = job?.id ?? "";
  let ended: unknown;
  const watch = async () => {
    for await (const _ of jobs.watchJob({ id }));
  };
  const over = watch().catch((error: unknown) => {
    ended = error;
  });
  // A smaller one is enough for it.
  await roles.grantRole({ user: "hedy", workspace: "workspaces/w", role: "reader" });
  await expect(jobs.terminateJob({ id })).rejects.toMatchObject({ code: "permission-denied" });
  expect(ended).toBeUndefined();
  await roles.revokeRole({ user: "hedy", workspace: "workspaces/w" });
  await until("the watch ends", () => ended !== undefined, 20_000);
  await over;
  expect(ended).toMatchObject({ code: "not-found" });
  expect((await coordinator.client(SignInService, secret).getCaller({})).name).toBe("hedy");
});

test("a token that is revoked ends what goes on with it; a user who is deleted leaves the jobs", async () => {
  const users = coordinator.client(UserService);
  await users.createUser({ name: "joan" });
  await coordinator.client(RoleService).grantRole({ user: "joan", workspace: "workspaces/w", role: "contributor" });
  const { secret } = await users.createToken({ user: "joan", name: "watch" });
  const jobs = coordinator.client(JobService, secret);
  const { job } = await jobs.createJob({ parent: "workspaces/w/experiments/e", name: "joans", spec: tinyJob() });
  const id = job?.id ?? "";
  let ended: unknown;
  const watch = async () => {
    for await (const _ of jobs.watchJob({ id }));
  };
  const over = watch().catch((error: unknown) => {
    ended = error;
  });
  await users.revokeToken({ user: "joan", name: "watch" });
  await until("the watch ends", () => ended !== undefined, 20_000);
  await over;
  expect(ended).toMatchObject({ code: "unauthenticated" });
  await users.deleteUser({ id: "joan" });
  expect((await coordinator.jobs.getJob({ id })).job?.submittedBy).toBe("joan");
});

test("a call whose message comes when its token is revoked already does nothing", async () => {
  const users = coordinator.client(UserService);
  await users.createUser({ name: "lynn" });
  const { secret } = await users.createToken({ user: "lynn", name: "stolen" });
  const raw = new RawCalls(coordinator.address, bearer(secret));
  // What gets a thief another token, and what gets one a shell: let in while the token is good.
  const { createToken } = UserService.method;
  const { exec } = NodeService.method;
  const held = [raw.hold(UserService, createToken), raw.hold(NodeService, exec)];
  // On the same connection, so it comes after those.
  expect((await raw.call(SignInService, SignInService.method.getCaller, [])).code).toBe(status.OK);
  await users.revokeToken({ user: "lynn", name: "stolen" });
  const messages = [
    toBinary(createToken.input, create(createToken.input, { name: "another" })),
    toBinary(exec.input, create(exec.input, { message: { case: "start", value: { target: { nodeId: "n" } } } })),
  ];
  for (const [at, call] of held.entries()) {
    expect(await call(messages[at] ?? new Uint8Array())).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: expect.stringContaining("was revoked"),
    });
  }
  expect((await users.listTokens({ user: "lynn" })).tokens).toEqual([]);
  raw.close();
});

test("of many jobs that are made at once the audit log has each by its name, and each that was refused", async () => {
  const users = coordinator.client(UserService);
  await users.createUser({ name: "ruth" });
  await coordinator.client(RoleService).grantRole({ user: "ruth", workspace: "workspaces/w", role: "contributor" });
  const { secret } = await users.createToken({ user: "ruth", name: "t" });
  const parent = "workspaces/w/experiments/e";
  const foreign = { ...tinyJob(), cluster: { id: "workspaces/elsewhere/clusters/c" } };
  const jobs = [
    { name: "many-1", spec: tinyJob() },
    { name: "many-2", spec: foreign },
  ];
  const asked = coordinator.client(JobService, secret);
  await asked.createJobs({ parent, jobs });
  await asked.createJobs({ parent, jobs: jobs.slice(1) });
  const { entries } = await coordinator.client(AuditService).listAuditEntries({ user: "ruth" });
  expect(entries.map(({ verb, target, outcome }) => [verb, target, outcome])).toEqual([
    ["JobService.CreateJobs", `${parent}/jobs/many-1`, "ok"],
    ["JobService.CreateJobs", `${parent}/jobs/many-2`, "not-found"],
    ["JobService.CreateJobs", `${parent}/jobs/many-2`, "not-found"],
  ]);
});

test("the audit log says who changed what, and who was refused, without secrets; and outlives a restart", async () => {
  const mallory = await userMade("mallory", "reader");
  mallory.environment.STOKER_WORKSPACE = "w";
  expect(await mallory.run("experiment", "create", "mine")).not.toBe(0);
  expect(mallory.stderr).toContain("mallory is reader in workspace w, and this needs the role contributor");
  const root = administrator();
  root.stdin = "a-very-secret-value";
  await ran(root, "secret", "set", "-w", "w", "key");
  await coordinator.end("SIGTERM");
  await coordinator.start();
  await ran(root, "audit", "list", "-o", "json", "--max-results", "1000");
  type Entry = { user: string; verb: string; target: string; outcome: string; peer: string };
  const entries = JSON.parse(root.stdout.slice(root.stdout.indexOf("["))) as Entry[];
  const has = (wanted: Partial<Entry>) =>
    entries.some((entry) => Object.entries(wanted).every(([key, value]) => entry[key as keyof Entry] === value));
  expect(has({ user: "administrator", verb: "UserService.CreateUser", target: "users/mallory", outcome: "ok" })).toBe(
    true,
  );
  expect(has({ user: "mallory", verb: "SignInService.SignIn", outcome: "ok" })).toBe(true);
  expect(has({ user: "mallory", verb: "ExperimentService.CreateExperiment", outcome: "permission-denied" })).toBe(true);
  expect(has({ verb: "SecretService.SetSecret", target: "workspaces/w/secrets/key", outcome: "ok" })).toBe(true);
  for (const { peer } of entries) expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(root.stdout).not.toMatch(/a-very-secret-value|correct horse|stoker_/);
  // Tokens are good as before, and the log goes on where it ended.
  await ran(mallory, "whoami");
  const exported = administrator();
  await ran(exported, "audit", "export", "--user", "mallory");
  const lines = exported.stdout.trim().split("\n");
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ user: "mallory" });
  expect(await mallory.run("audit", "list")).not.toBe(0);
});

test("tokens of one's own, signing out, and a workspace that takes its roles with it", async () => {
  const ada = await signedIn("ada");
  await ran(ada, "token", "create", "nightly", "--expires", "90d");
  const secret = ada.stdout.trim();
  await ran(ada, "token", "list", "-o", "json");
  expect(ada.stdout).toContain('"nightly"');
  expect(ada.stdout.split(secret)).toHaveLength(2);
  // None is for ever that is not asked for as such.
  await ran(ada, "token", "create", "usual");
  expect(ada.stderr).toMatch(/token usual, good until \d{4}-/);
  await ran(ada, "token", "create", "endless", "--expires", "never");
  expect(ada.stderr).toContain("token endless, good until it is revoked");
  await ran(ada, "logout");
  expect(await ada.run("whoami")).not.toBe(0);
  await coordinator.client(WorkspaceService).createWorkspace({ name: "brief" });
  const roles = coordinator.client(RoleService);
  await roles.grantRole({ user: "ada", workspace: "workspaces/brief", role: "owner" });
  await coordinator.client(WorkspaceService, secret).deleteWorkspace({ id: "workspaces/brief" });
  await coordinator.client(WorkspaceService).createWorkspace({ name: "brief" });
  expect((await roles.listRoles({ workspace: "workspaces/brief" })).roles).toEqual([]);
});
