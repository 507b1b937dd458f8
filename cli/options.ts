import type { OptionSpec } from "./verb.js";

export const outputFormats = ["table", "tsv", "json", "jsonc"] as const;

/** Options that several verbs share. Short flags are those of `az batchai`. */
export const nameOption = (what: string): OptionSpec => ({
  flags: "-n, --name <name>",
  description: `name of the ${what}`,
});
export const workspaceOption: OptionSpec = {
  flags: "-w, --workspace <name>",
  description: "workspace (env: STOKER_WORKSPACE)",
};
export const experimentOption: OptionSpec = {
  flags: "-e, --experiment <name>",
  description: "experiment (env: STOKER_EXPERIMENT)",
};
export const clusterOption: OptionSpec = {
  flags: "-c, --cluster <name or id>",
  description: "cluster (env: STOKER_CLUSTER)",
};
export const configFileOption = (what: string): OptionSpec => ({
  flags: "-f, --config-file <file>",
  description: `${what} as JSON or YAML, with or without \`properties\`; - reads stdin`,
});
export const yesOption: OptionSpec = { flags: "-y, --yes", description: "do not ask" };
export const noWaitOption: OptionSpec = {
  flags: "--no-wait",
  description: "return when the order is recorded",
};
export const idempotencyOption: OptionSpec = {
  flags: "--idempotency-key <key>",
  description: "the same key with the same body gives the same resource (default: one made for this call)",
};

export const tagOption: OptionSpec = {
  flags: "--tag <key=value>",
  description: "label; may be repeated",
  repeatable: true,
};

export const jobOption: OptionSpec = { flags: "-j, --job <name>", description: "job" };
export const outputDirectoryOption: OptionSpec = {
  flags: "-d, --output-directory-id <id>",
  description: "which of the job's directories (default: stdouterr)",
};
export const pathOption: OptionSpec = { flags: "-p, --path <path>", description: "inside of it (default: .)" };
export const expiryOption: OptionSpec = {
  flags: "--expiry <minutes>",
  description: "how long links are good, 5 to 600 (default: 60)",
};
export const execOptions: readonly OptionSpec[] = [
  {
    flags: "--exec <command>",
    description: "run by bash; without it a shell, or forwards alone when there is no terminal",
  },
  {
    flags: "-L, --address <[bind:]port:host:hostport>",
    description: "forward a port of this machine to what the node reaches; may be repeated",
    repeatable: true,
  },
  // Keys and passwords of ssh, of which there is none.
  { flags: "-k, --ssh-key <key>", description: "has no effect", hidden: true },
  { flags: "-p, --password <password>", description: "has no effect", hidden: true },
  { flags: "-t, --terminal", description: "give --exec's command a terminal, too" },
];

export const pagingOptions: readonly OptionSpec[] = [
  { flags: "--max-results <count>", description: "at most so many at a time, 1 to 1000 (default: 1000)" },
  { flags: "--page-size <count>", description: "the same", hidden: true },
  { flags: "--page-token <token>", description: "go on where a page ended" },
  { flags: "--all", description: "every page" },
];

/** Those of every verb that talks to a coordinator. */
export const connectionOptions: readonly OptionSpec[] = [
  {
    flags: "--coordinator <host:port>",
    description: "where the coordinator is (env: STOKER_COORDINATOR; default: 127.0.0.1:7741)",
  },
  { flags: "--token-file <file>", description: "file with its token (env: STOKER_TOKEN_FILE, or STOKER_TOKEN itself)" },
  {
    flags: "--certificate-file <file>",
    description: "certificate to show in place of a token, in PEM (env: STOKER_CERTIFICATE_FILE)",
  },
  {
    flags: "--key-file <file>",
    description: "its key, unless that is in the same file (env: STOKER_KEY_FILE)",
  },
  {
    flags: "--authority-file <file>",
    description: "certificate of its authority (env: STOKER_AUTHORITY_FILE; default: pki/ca.pem beside the token file)",
  },
  { flags: "--tls <on|off>", description: "off: for a coordinator with --tls off (env: STOKER_TLS)", hidden: true },
  { flags: "--profile <name>", description: "profile to use (env: STOKER_PROFILE)" },
  {
    flags: "-o, --output <format>",
    description: "table, tsv, json, or jsonc, which is the same (env: STOKER_OUTPUT)",
    choices: [...outputFormats],
  },
  { flags: "--query <JMESPath>", description: "what to pick from its JSON, such as '[].name'" },
  // `az batchai` had it on every command.
  { flags: "-g, --resource-group <name>", description: "has no effect", hidden: true },
];

/** An admin account on the machines, where their owners allow one. */
export const accountOptions: readonly OptionSpec[] = [
  { flags: "-u, --user-name <name>", description: "admin account on its machines (default: your name)" },
  { flags: "-k, --ssh-key <key or file>", description: "its public key (default: ~/.ssh/id_rsa.pub)" },
  { flags: "-p, --password <password>", description: "its password" },
  { flags: "--generate-ssh-keys", description: "make ~/.ssh/id_rsa when there is none" },
];

export const mountOptions: readonly OptionSpec[] = [
  { flags: "--nfs <name or id>", description: "file server to mount" },
  { flags: "--nfs-mount-path <path>", description: "where, under the mount root (default: nfs)" },
  { flags: "--afs-name <share>", description: "Azure file share to mount" },
  { flags: "--afs-mount-path <path>", description: "where (default: afs)" },
  { flags: "--bfs-name <container>", description: "Azure blob container to mount" },
  { flags: "--bfs-mount-path <path>", description: "where (default: bfs)" },
  {
    flags: "--storage-account-name <name>",
    description: "for <AZURE_BATCHAI_STORAGE_ACCOUNT> in the body (env: AZURE_BATCHAI_STORAGE_ACCOUNT)",
  },
  {
    flags: "--storage-account-key <key>",
    description: "for <AZURE_BATCHAI_STORAGE_KEY> in the body (env: AZURE_BATCHAI_STORAGE_KEY)",
  },
];
