import { hostname, userInfo } from "node:os";
import { Fault } from "../../shared/fault.js";
import type { SignedIn } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Call } from "../call.js";
import { forgetCertificate, profileCertificatePath } from "../certificate/of-profile.js";
import { exitCode, Failure, failureOf, usage } from "../failure.js";
import { shortTime } from "../output/time.js";
import { profilesPath, readProfiles, writeProfiles } from "../profiles.js";
import { addressOf, defaultAddress, type Profile, withoutCredential } from "../settings.js";
import type { Greeting } from "../sign-in/coordinator.js";
import { givenPassword, passwordOptions } from "../sign-in/password.js";
import type { Verb } from "../verb.js";

export const login: Verb = {
  name: "login",
  description: "Sign in at a coordinator, and keep what it gives in a profile",
  details:
    "Asks for name and password, or where the coordinator has an identity provider, for a code to be entered in a browser. The first time, the fingerprint of the coordinator's authority is shown: compare it with what an administrator says. With --certificate the profile gets a key that is made here and never leaves this machine, and a certificate for it that is shown in place of a token",
  example: "stoker login head.lab:7741",
  argument: "[address]",
  local: true,
  options: [
    { flags: "-u, --user-name <name>", description: "who signs in by password (default: as you are called here)" },
    ...passwordOptions,
    { flags: "--by-password", description: "also where the coordinator has an identity provider" },
    { flags: "--pin <fingerprint>", description: "of the coordinator's authority, as an administrator says it" },
    { flags: "--authority-file <file>", description: "the certificate of that authority itself, pki/ca.pem" },
    {
      flags: "--tls <mode>",
      description: "off: of a coordinator on this machine with --tls off",
      choices: ["on", "off"],
    },
    { flags: "--certificate", description: "get a certificate in place of a token" },
    {
      flags: "--token-name <name>",
      description: "what the token or certificate is to be called (default: this machine's name)",
    },
    { flags: "--profile <name>", description: "profile to make or change (default: the one of this address)" },
  ],
  async run(call) {
    const { configFolder, environment } = call.world;
    const all = await readProfiles(configFolder);
    const given = call.words[0] ?? (environment.STOKER_COORDINATOR || undefined);
    const asked = call.text("profile") ?? (environment.STOKER_PROFILE || undefined);
    const address = addressOf(given ?? all.profiles[asked ?? all.current ?? ""]?.coordinator ?? defaultAddress);
    const name = asked ?? profileOf(all.profiles, all.current, address);
    const before = all.profiles[name] ?? {};
    const { greet } = await import("../sign-in/coordinator.js");
    const greeting = await greet(call, address, knownOf(call, before, address));
    try {
      const { key, certificateRequest } = await wantedOf(call, greeting);
      const signed = await signIn(call, greeting, certificateRequest);
      const shown = key === undefined ? { token: signed.secret } : await kept(call, name, key, signed);
      const { authority: _, authorityFile: __, tls: ___, ...rest } = withoutCredential(before);
      const profile: Profile = { ...rest, coordinator: address, ...greeting.trust, ...shown };
      await writeProfiles(configFolder, { current: name, profiles: { ...all.profiles, [name]: profile } });
      if (key === undefined) forgetCertificate(configFolder, name, before);
      const until = signed.expiryTime ? ` until ${shortTime(signed.expiryTime)}` : "";
      await call.notice(
        `signed in as ${signed.user?.name} at ${address}${until}; profile ${name} of ${profilesPath(configFolder)} is in use`,
      );
      return undefined;
    } catch (error) {
      throw error instanceof Fault ? failureOf(error, address) : error;
    } finally {
      greeting.connection.close();
    }
  },
};

/** What the profile says of the coordinator counts for its own address alone. */
function knownOf(call: Call, before: Profile, address: string): Profile {
  const { STOKER_AUTHORITY_FILE, STOKER_TLS } = call.world.environment;
  const authorityFile = call.text("authorityFile") ?? (STOKER_AUTHORITY_FILE || undefined);
  const tls = call.text("tls") ?? (STOKER_TLS || undefined);
  const same: Profile = before.coordinator !== undefined && addressOf(before.coordinator) === address ? before : {};
  return {
    ...(authorityFile === undefined ? same : { authorityFile }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function profileOf(profiles: Record<string, Profile>, current: string | undefined, address: string): string {
  const isOf = (profile: Profile | undefined) =>
    profile?.coordinator !== undefined && addressOf(profile.coordinator) === address;
  if (current !== undefined && isOf(profiles[current])) return current;
  const found = Object.keys(profiles).find((name) => isOf(profiles[name]));
  // One that says nothing of a coordinator is for whatever it will be.
  if (current !== undefined && profiles[current]?.coordinator === undefined) return found ?? current;
  return found ?? (address.replace(/:\d+$/, "").replace(/[^-\w.]/g, "") || "default");
}

/** A key of its own for who wants a certificate: only what proves that we have it goes to the coordinator. */
async function wantedOf(call: Call, { trust }: Greeting): Promise<{ key?: string; certificateRequest: string }> {
  if (!call.flag("certificate")) return { certificateRequest: "" };
  if (trust.tls === "off")
    throw usage("--certificate: one is shown on encrypted connections alone, not with --tls off");
  const { newKey, userRequest } = await import("../../shared/certificate-request.js");
  const key = newKey();
  return { key, certificateRequest: await userRequest(key) };
}

async function kept(
  call: Call,
  profile: string,
  key: string,
  { certificate }: SignedIn,
): Promise<Pick<Profile, "certificateFile">> {
  if (certificate === "") {
    const message =
      "this coordinator gives users no certificates, it is older than this program: leave --certificate out";
    throw new Failure(exitCode.failed, message);
  }
  const { bundle } = await import("../certificate/own.js");
  const { replaceFile } = await import("../certificate/private-file.js");
  const certificateFile = profileCertificatePath(call.world.configFolder, profile);
  replaceFile(certificateFile, bundle(key, certificate));
  return { certificateFile };
}

async function signIn(call: Call, { signIn }: Greeting, certificateRequest: string): Promise<SignedIn> {
  const tokenName = call.text("tokenName") ?? `login-${hostname().replace(/[^-\w.]/g, "")}`.slice(0, 60);
  const { identityProvider, passwords } = await signIn.getSignInOptions({});
  const byPassword = call.flag("byPassword") || call.flag("passwordStdin") || call.text("userName") !== undefined;
  if (identityProvider && !byPassword) {
    const { idTokenOf } = await import("../sign-in/device-flow.js");
    const idToken = await idTokenOf(call, identityProvider);
    return present((await signIn.signInWithIdToken({ idToken, tokenName, certificateRequest })).signedIn);
  }
  if (!passwords && !byPassword) {
    throw usage(
      "nobody has a password there yet: an administrator makes a user with `stoker user create`, on the coordinator's machine with its own token",
    );
  }
  const name = call.text("userName") ?? (await askedName(call));
  const password = await givenPassword(call, `Password of ${name}: `);
  return present((await signIn.signIn({ name, password, tokenName, certificateRequest })).signedIn);
}

async function askedName(call: Call): Promise<string> {
  if (!call.world.isInteractive) throw usage("who signs in? give -u NAME");
  const own = userInfo().username;
  const answer = (await call.world.ask(`Name [${own}]: `, new AbortController().signal)).trim();
  return answer === "" ? own : answer;
}

function present(signed: SignedIn | undefined): SignedIn {
  if (signed === undefined) throw new Failure(exitCode.failed, "the coordinator answered without a token");
  return signed;
}
