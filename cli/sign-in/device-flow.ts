import type { IdentityProvider } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Call } from "../call.js";
import { exitCode, Failure } from "../failure.js";

/** The user says who they are in a browser, on whatever machine has one; here only a code is shown. */
export async function idTokenOf(call: Call, { issuer, clientId, scopes }: IdentityProvider): Promise<string> {
  const oidc = await import("openid-client");
  const stop = new AbortController();
  const undo = call.world.onInterrupt(() => stop.abort());
  try {
    const server = new URL(issuer);
    // In the clear only where it can't be overheard: the coordinator allows no other either.
    const execute = server.protocol === "http:" && isLocal(server.hostname) ? [oidc.allowInsecureRequests] : [];
    const config = await oidc.discovery(server, clientId, undefined, oidc.None(), { execute });
    const started = await oidc.initiateDeviceAuthorization(config, { scope: scopes });
    const minutes = Math.round(started.expires_in / 60);
    await call.notice(`open ${started.verification_uri} and enter the code ${started.user_code} (good ${minutes} min)`);
    if (started.verification_uri_complete) await call.notice(`or open ${started.verification_uri_complete}`);
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, started, undefined, { signal: stop.signal });
    if (tokens.id_token === undefined) {
      throw new Failure(
        exitCode.failed,
        `${issuer} gave no ID token: the scopes of the coordinator (--oidc-scopes) must hold "openid"`,
      );
    }
    return tokens.id_token;
  } catch (error) {
    if (stop.signal.aborted) throw new Failure(exitCode.interrupted, "interrupted");
    if (error instanceof Failure) throw error;
    throw new Failure(exitCode.failed, `the identity provider ${issuer}: ${reasonOf(error)}`, { cause: error });
  } finally {
    undo();
  }
}

const isLocal = (host: string) => ["localhost", "127.0.0.1", "[::1]"].includes(host);

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const said = "error_description" in error ? error.error_description : undefined;
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return typeof said === "string" ? said : `${error.message}${cause}`;
}
