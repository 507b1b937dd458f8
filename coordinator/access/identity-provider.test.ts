import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IdentityProvider } from "./identity-provider.js";

const { publicKey, privateKey } = await generateKeyPair("ES256");
const key = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" };
let issuer = "";
const server = createServer(({ url }, response) =>
  response.end(JSON.stringify(url === "/keys" ? { keys: [key] } : { issuer, jwks_uri: `${issuer}/keys` })),
);

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

/** What this provider says, with its own key: the claims alone are at issue. */
async function said(
  claims: Record<string, unknown>,
  { typ, userClaim = "name" }: { typ?: string; userClaim?: string } = {},
) {
  const now = Math.floor(Date.now() / 1_000);
  const usual = { iss: issuer, aud: "stoker", sub: "s", name: "ada", email: "ada@lab", iat: now, exp: now + 600 };
  const token = new SignJWT({ ...usual, ...claims }).setProtectedHeader({
    alg: "ES256",
    kid: "k",
    ...(typ ? { typ } : {}),
  });
  const settings = { issuer, clientId: "stoker", scopes: "openid", userClaim, groupsClaim: "groups" };
  return new IdentityProvider(settings).identify(await token.sign(privateKey));
}

test("an ID token that was made for us, by a good issuer, in good time, is believed", async () => {
  const subject = { issuer, subject: "s" };
  expect(await said({})).toMatchObject({ subject, name: "ada", groups: [] });
  expect(await said({ azp: "stoker", groups: ["a"] })).toMatchObject({ subject, groups: ["a"] });
  expect(await said({ aud: ["stoker", "other"], azp: "stoker" })).toMatchObject({ subject });
});

const now = Math.floor(Date.now() / 1_000);

test.each([
  ["another issuer", { iss: "http://127.0.0.1:1" }, /"iss"/],
  ["another audience", { aud: "other" }, /"aud"/],
  ["made for another by whom we are an audience", { azp: "other" }, /made for another program/],
  ["of several, without a word for whom", { aud: ["stoker", "other"] }, /made for another program/],
  ["over", { exp: now - 60 }, /"exp"/],
  ["given long ago, and good for long", { iat: now - 3_600, exp: now + 3_600 }, /"iat"/],
  ["without an end", { exp: undefined }, /"exp"/],
  ["of nobody", { sub: undefined }, /"sub"/],
])("one that is %s is not", async (_, claims, why) => {
  await expect(said(claims)).rejects.toMatchObject({ code: "unauthenticated", message: expect.stringMatching(why) });
});

test("an access token is not, and an address that nobody has verified is no name", async () => {
  await expect(said({}, { typ: "at+jwt" })).rejects.toThrow(/an access token/);
  const byAddress = { userClaim: "email" };
  expect(await said({ email_verified: true }, byAddress)).toMatchObject({ name: "ada@lab" });
  await expect(said({ email_verified: false }, byAddress)).rejects.toThrow(/has not verified the address ada@lab/);
});
