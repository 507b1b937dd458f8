import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { readToken } from "../shared/credentials.js";
import { Fault } from "../shared/fault.js";
import { type Identity, IdentityFile, notJoined } from "./identity/identity-file.js";
import { ByToken, Joined } from "./identity/membership.js";
import type { Membership } from "./ports.js";

export interface MembershipSettings {
  /** Where the coordinator is; undefined: where this machine has joined. */
  coordinator: string | undefined;
  name: string | undefined;
  tls: "on" | "off";
  tokenFile: string | undefined;
}

export interface Member {
  coordinator: string;
  name: string;
  membership: Membership;
}

const defaultCoordinator = "127.0.0.1:7741";
const lookMs = 500;

/** Who this machine is to its coordinator. One that has not joined waits until it has: `stoker-agent join` is all that is to be done then. */
export async function membershipOf(
  settings: MembershipSettings,
  {
    dataDir,
    hostname,
    environment,
    waits,
    log,
  }: { dataDir: string; hostname: string; environment: NodeJS.ProcessEnv; waits(): void; log: Logger },
): Promise<Member> {
  const { coordinator = defaultCoordinator, name = hostname } = settings;
  if (settings.tls === "off") {
    refuseFarAway(coordinator);
    const token = tokenSource(settings.tokenFile, environment);
    token();
    return { coordinator, name, membership: new ByToken(token) };
  }
  const file = new IdentityFile(dataDir);
  const identity = await joined(file, waits, log);
  if (settings.name !== undefined && settings.name !== identity.node) {
    throw new Fault(
      "invalid-argument",
      `this machine has joined as ${identity.node}: take --name ${settings.name} away, or join again under that name`,
    );
  }
  return {
    coordinator: settings.coordinator ?? identity.coordinator,
    name: identity.node,
    membership: new Joined(file, log),
  };
}

async function joined(file: IdentityFile, waits: () => void, log: Logger): Promise<Identity> {
  for (let isTold = false; ; isTold = true) {
    const identity = file.read();
    if (identity) return identity;
    if (!isTold) {
      log.warn(`${notJoined}; waiting for that`);
      waits();
    }
    await delay(lookMs);
  }
}

/** On the way to another machine the token could be read by anybody. */
function refuseFarAway(coordinator: string): void {
  const host = coordinator.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost" || host === "::1" || /^127\./.test(host)) return;
  throw new Fault(
    "invalid-argument",
    `--tls off: only to a coordinator on this machine, and ${coordinator} is not: join it instead`,
  );
}

/** The token, read anew each time, so that a corrected file is enough. */
function tokenSource(file: string | undefined, environment: NodeJS.ProcessEnv): () => string {
  if (file !== undefined) {
    return () => {
      const token = readToken(file);
      if (token === undefined) throw new Fault("invalid-argument", `--token-file: there is no file ${file}`);
      return token;
    };
  }
  const token = environment.STOKER_TOKEN;
  if (!token)
    throw new Fault("invalid-argument", "no token: pass --token-file or set STOKER_TOKEN to the coordinator's token");
  return () => token;
}
