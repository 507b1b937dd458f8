import { Fault } from "../../shared/fault.js";

/** Of OpenID Connect, as the configuration has it. */
export interface OidcSettings {
  issuer: string;
  clientId: string;
  scopes: string;
  /** Claim that becomes the user's name. */
  userClaim: string;
  /** Claim that lists the user's groups. */
  groupsClaim: string;
}

/** Whom the provider speaks of. */
export interface Identity {
  subject: { issuer: string; subject: string };
  name: string;
  displayName: string;
  groups: string[];
}

const answerMs = 10_000;
const answerBytesMax = 1024 * 1024;
/** A token is to be shown soon after it was given. */
const tokenAge = "10m";
const clockTolerance = "30s";
/** What is signed by the provider's key; nothing that a client's secret could sign. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const groupsMost = 1_000;

type Keys = ReturnType<typeof import("jose")["createRemoteJWKSet"]>;

/** Believes the provider's word on who somebody is: an ID token that its keys have signed for us. */
export class IdentityProvider {
  private keys: Promise<Keys> | undefined;

  constructor(readonly settings: OidcSettings) {
    mustBeSafe("the issuer", settings.issuer);
  }

  async identify(idToken: string): Promise<Identity> {
    const { jwtVerify, errors } = await import("jose");
    const { issuer, clientId, userClaim, groupsClaim } = this.settings;
    const keys = await this.knownKeys();
    try {
      const { payload, protectedHeader } = await jwtVerify(idToken, keys, {
        ...{ issuer, audience: clientId, algorithms, clockTolerance, maxTokenAge: tokenAge },
        requiredClaims: ["sub", "exp", "iat"],
      });
      // Whoever is an audience of an access token got it from somebody else; RFC 9068 has it say so.
      if (/^(application\/)?at\+jwt$/i.test(protectedHeader.typ ?? "")) {
        throw new Fault("unauthenticated", "this is an access token, and an ID token is wanted");
      }
      // Given to several, or by way of another program, it must be us for whom it was made.
      const isSeverals = Array.isArray(payload.aud) && payload.aud.length > 1;
      if (payload.azp === undefined ? isSeverals : payload.azp !== clientId) {
        throw new Fault("unauthenticated", "the ID token was made for another program");
      }
      const groups = payload[groupsClaim];
      return {
        subject: { issuer, subject: payload.sub ?? "" },
        name: nameIn(payload, userClaim),
        displayName: typeof payload.name === "string" ? payload.name.slice(0, 256) : "",
        groups: Array.isArray(groups) ? groups.map(String).slice(0, groupsMost) : [],
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) {
        throw new Fault("unauthenticated", `the ID token is not good: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  /** Looked up at the first use; a provider that can't be reached is asked again by the next. */
  private knownKeys(): Promise<Keys> {
    this.keys ??= this.discover().catch((error: unknown) => {
      this.keys = undefined;
      throw error;
    });
    return this.keys;
  }

  private async discover(): Promise<Keys> {
    const { createRemoteJWKSet } = await import("jose");
    const { issuer } = this.settings;
    const found = await document(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    if (found.issuer !== issuer) {
      throw new Fault("unavailable", `the identity provider at ${issuer} calls itself ${String(found.issuer)}`);
    }
    const uri = String(found.jwks_uri);
    mustBeSafe("the identity provider's keys", uri);
    return createRemoteJWKSet(new URL(uri), { timeoutDuration: answerMs });
  }
}

function nameIn(payload: Record<string, unknown>, claim: string): string {
  const name = payload[claim];
  // Anybody can write anybody's address into a form.
  const { email_verified: verified } = payload;
  if (claim === "email" && (verified === false || verified === "false")) {
    throw new Fault(
      "unauthenticated",
      `the identity provider has not verified the address ${String(name).slice(0, 100)}`,
    );
  }
  if (typeof name === "string" && name !== "") return name;
  throw new Fault(
    "failed-precondition",
    `the identity provider does not say the claim ${claim}, which is to be the user's name: see --oidc-user-claim and --oidc-scopes of stoker-coordinator`,
  );
}

/** Keys that come in the clear are anybody's; only a provider on this machine is asked so. */
function mustBeSafe(what: string, url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  if (protocol === "https:" || (protocol === "http:" && local)) return;
  throw new Fault("invalid-argument", `${what}: "${url}" is not an https address`);
}

async function document(url: string): Promise<Record<string, unknown>> {
  const gone = (reason: unknown) =>
    new Fault("unavailable", `the identity provider does not answer at ${url}`, { cause: reason });
  let text: string;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMs), redirect: "error" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    text = await answer.text();
  } catch (error) {
    throw gone(error);
  }
  if (text.length > answerBytesMax) throw gone(new Error("the answer is too long"));
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw gone(error);
  }
}
