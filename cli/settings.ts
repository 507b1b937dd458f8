import { usage } from "./failure.js";

/** What a profile holds; every part may be missing. */
export interface Profile {
  coordinator?: string;
  token?: string;
  tokenFile?: string;
  /** Of the user, in PEM; with its key, unless that is in a file of its own. */
  certificateFile?: string;
  keyFile?: string;
  /** Of the coordinator's authority: the certificate in PEM, or a file with it. */
  authority?: string;
  authorityFile?: string;
  /** off: nothing is encrypted. */
  tls?: string;
  workspace?: string;
  experiment?: string;
  cluster?: string;
  output?: string;
  storageAccount?: string;
  storageKey?: string;
}

export const profileKeys = [
  "coordinator",
  "token",
  "tokenFile",
  "certificateFile",
  "keyFile",
  "authority",
  "authorityFile",
  "tls",
  "workspace",
  "experiment",
  "cluster",
  "output",
  "storageAccount",
  "storageKey",
] as const satisfies ReadonlyArray<keyof Profile>;

const variables: Record<keyof Profile, string> = {
  coordinator: "STOKER_COORDINATOR",
  token: "STOKER_TOKEN",
  tokenFile: "STOKER_TOKEN_FILE",
  certificateFile: "STOKER_CERTIFICATE_FILE",
  keyFile: "STOKER_KEY_FILE",
  authority: "STOKER_AUTHORITY",
  authorityFile: "STOKER_AUTHORITY_FILE",
  tls: "STOKER_TLS",
  workspace: "STOKER_WORKSPACE",
  experiment: "STOKER_EXPERIMENT",
  cluster: "STOKER_CLUSTER",
  output: "STOKER_OUTPUT",
  storageAccount: "AZURE_BATCHAI_STORAGE_ACCOUNT",
  storageKey: "AZURE_BATCHAI_STORAGE_KEY",
};

export const defaultAddress = "127.0.0.1:7741";
const defaultPort = 7741;

type Source = Partial<Record<keyof Profile, string>>;

/** A flag wins over the environment, that over the profile. */
export function effective(flags: Source, environment: NodeJS.ProcessEnv, profile: Profile): Profile {
  const fromEnvironment: Source = {};
  for (const key of profileKeys) {
    const value = environment[variables[key]];
    if (value) fromEnvironment[key] = value;
  }
  const layers = [flags, fromEnvironment, profile];
  const result: Profile = {};
  for (const key of profileKeys) {
    if (credentialKeys.includes(key)) continue;
    const value = layers.find((layer) => layer[key] !== undefined)?.[key];
    if (value !== undefined) result[key] = value;
  }
  // All say who one is: the nearest layer that has any decides.
  const { token, tokenFile, certificateFile, keyFile } = layers.find(showsSomething) ?? {};
  if (token !== undefined) result.token = token;
  else if (tokenFile !== undefined) result.tokenFile = tokenFile;
  if (certificateFile !== undefined) result.certificateFile = certificateFile;
  if (keyFile !== undefined) result.keyFile = keyFile;
  return result;
}

/** What the first says where the second is silent; who one is, all from one of them. */
export const over = (below: Profile, above: Profile): Profile => ({
  ...(showsSomething(above) ? withoutCredential(below) : below),
  ...above,
});

export function withoutCredential(profile: Profile): Profile {
  const rest = { ...profile };
  for (const key of credentialKeys) delete rest[key];
  return rest;
}

/** What a profile shows of its user. */
export const credentialKeys: ReadonlyArray<keyof Profile> = ["token", "tokenFile", "certificateFile", "keyFile"];

const showsSomething = (layer: Source) => credentialKeys.some((key) => layer[key] !== undefined);

/** `host`, `host:port` or `[v6]:port` as gRPC wants it. */
export function addressOf(text: string): string {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text.trim());
  const port = Number(match?.[2] ?? defaultPort);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw usage(`"${text}" is not the address of a coordinator; give host:port, such as ${defaultAddress}`);
  }
  return `${match[1]}:${port}`;
}
