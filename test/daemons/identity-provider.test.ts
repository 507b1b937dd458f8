import { join } from "node:path";
import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FakeWorld } from "../../cli/testing/fake-world.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { browse, TestProvider } from "../access/identity-provider.js";
import { CoordinatorProcess } from "../fakes/coordinator-process.js";

const coordinator = new CoordinatorProcess();
let provider: TestProvider;

beforeAll(async () => {
  provider = await TestProvider.start({
    ada: { name: "Ada Lovelace", groups: ["vision-people", "choir"] },
    grace: { name: "Grace Hopper", groups: ["heads"] },
  });
  const roles = "vision-people=contributor@w,heads=administrator";
  await coordinator.start(["--tls", "migrate", "--oidc-issuer", provider.issuer, "--oidc-roles", roles]);
  await coordinator.furnish("w");
  await coordinator.furnish("elsewhere");
}, 60_000);
afterAll(async () => {
  await coordinator.dispose();
  provider.close();
});

async function signIn(login: string, ...more: string[]): Promise<FakeWorld> {
  const world = new FakeWorld();
  if (more.length > 0) world.environment = {};
  const going = world.run("login", coordinator.address, ...(more.length === 0 ? ["--tls", "off"] : more));
  await world.until("or open ");
  const link = /or open (\S+)/.exec(world.stderr)?.[1] ?? "";
  expect(world.stderr).toMatch(/open http\S+ and enter the code \S+ \(good \d+ min\)/);
  await browse(link, login);
  expect(await going, world.stderr).toBe(0);
  return world;
}

test("a person says who they are in a browser, and may do what their groups may", { timeout: 60_000 }, async () => {
  const byCertificate = ["--certificate", "--authority-file", join(coordinator.dataDir, "pki", "ca.pem")];
  const [ada, grace] = await Promise.all([signIn("ada"), signIn("grace", ...byCertificate)]);
  await ada.run("whoami", "-o", "json");
  expect(ada.stdout).toMatch(/"role": "contributor",\s+"workspaceId": "workspaces\/w"/);
  expect(ada.stdout).not.toContain("choir");
  await ada.run("workspace", "list", "-o", "tsv");
  expect(ada.stdout).not.toContain("elsewhere");
  expect(await ada.run("user", "list")).not.toBe(0);
  expect(await grace.run("user", "list", "-o", "json")).toBe(0);
  expect(grace.stdout).toContain('"displayName": "Ada Lovelace"');
  await grace.run("whoami");
  expect(grace.stdout).toMatch(/By: +certificate login-/);
});

test("who is disabled is let in no more, and what another program was given counts for nothing here", async () => {
  await coordinator.client(UserService).updateUser({ id: "ada", disabled: true });
  const world = new FakeWorld();
  const going = world.run("login", coordinator.address, "--tls", "off");
  await world.until("or open ");
  const [idToken] = await Promise.all([
    idTokenFor("another", "grace"),
    browse(/or open (\S+)/.exec(world.stderr)?.[1] ?? "", "ada"),
  ]);
  expect(await going).not.toBe(0);
  expect(world.stderr).toContain("user ada is disabled");
  const { users } = await coordinator.client(UserService).listUsers({});
  expect(users.map(({ name }) => name).sort()).toEqual(["ada", "grace"]);
  await expect(coordinator.client(SignInService, "").signInWithIdToken({ idToken })).rejects.toThrow('"aud"');
});

async function idTokenFor(client: string, login: string): Promise<string> {
  const execute = [oidc.allowInsecureRequests];
  const config = await oidc.discovery(new URL(provider.issuer), client, undefined, oidc.None(), { execute });
  const started = await oidc.initiateDeviceAuthorization(config, { scope: "openid profile" });
  const going = oidc.pollDeviceAuthorizationGrant(config, started);
  await browse(started.verification_uri_complete ?? "", login);
  return (await going).id_token ?? "";
}

test("a token that the provider has not signed for us is nobody's", async () => {
  const callers = coordinator.client(SignInService, "");
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: provider.issuer, aud: "stoker", sub: "grace", preferred_username: "grace" };
  const forged = (head: object) => `${part(head)}.${part({ ...claims, iat: now, exp: now + 600 })}.AAAA`;
  for (const idToken of [forged({ alg: "none" }), forged({ alg: "HS256" }), forged({ alg: "RS256" }), "x"]) {
    await expect(callers.signInWithIdToken({ idToken })).rejects.toMatchObject({ code: "unauthenticated" });
  }
});
