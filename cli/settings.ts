import { usage } from "./failure.js";

/** What a profile holds; every part may be missing. */
export interface Profile {
  coordinator?: string;
  token?: string;
  tokenFile?: string;
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
    if (key === "token" || key === "tokenFile") continue;
    const value = layers.find((layer) => layer[key] !== undefined)?.[key];
    if (value !== undefined) result[key] = value;
  }
  // Both say the same thing: the nearest layer that has either decides.
  const credential = layers.find((layer) => layer.token !== undefined || layer.tokenFile !== undefined);
  if (credential?.token !== undefined) result.token = credential.token;
  else if (credential?.tokenFile !== undefined) result.tokenFile = credential.tokenFile;
  return result;
}

/** `host`, `host:port` or `[v6]:port` as gRPC wants it. */
export function addressOf(text: string): string {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(text.trim());
  const port = Number(match?.[2] ?? defaultPort);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw usage(`"${text}" is not the address of a coordinator; give host:port, such as ${defaultAddress}`);
  }
  return `${match[1]}:${port}`;
}
