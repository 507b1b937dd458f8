/** A program and its words, for no shell. */
export type Argv = readonly [string, ...string[]];

export interface ContainerStart {
  name: string;
  /** The same for all containers of this agent. */
  label: string;
  image: string;
  lease: string;
  /** Inside: what keeps the container until it is removed. */
  holder: Argv;
  shmSizeBytes: number;
  gpuUuids: readonly string[];
  /** Whose processes will run in it; undefined: root's. */
  account?: { uid: number; gid: number } | undefined;
  devices: readonly string[];
  mounts: ReadonlyArray<{ from: string; to: string; readOnly: boolean; propagated: boolean }>;
}

/** Where `config.json` holds a registry's credentials, in docker's form. */
export interface Credentials {
  folder: string;
}

/** What makes containers. All that runs in them is started by stoker-shim: see agent/native/enter.c. */
export interface Runtime {
  readonly name: string;
  /** Looked for on the PATH. */
  readonly program: string;
  /** Ends with 0, and says a version, where containers can be made. */
  readonly version: Argv;
  /** Ends with 0 when the image is on this machine. `store`: a folder for those that keep images nowhere. */
  present(image: string, store: string): Argv;
  pull(
    image: string,
    credentials: Credentials | undefined,
    store: string,
  ): { argv: Argv; environment: Record<string, string> };
  start(start: ContainerStart, store: string): Argv;
  /** Says the holder's process number. */
  holder(name: string): Argv;
  /** Says the environment of processes inside, each variable ended by a zero byte; where the holder does not have it. */
  environment?(name: string): Argv;
  remove(name: string, store: string): Argv;
  /** Said by `remove` of one that is not there. */
  readonly gone: RegExp;
  /** What to do about the reasons why it can't start one. */
  readonly advice?: ReadonlyArray<{ said: RegExp; advice: string }>;
  /** Says the names of this agent's containers, and maybe others. */
  list(label: string): Argv;
}

/** One mount as the value of `--mount`, which is a line of CSV. */
export function mountWord({ from, to, readOnly, propagated }: ContainerStart["mounts"][number]): string {
  const fields = ["type=bind", `source=${from}`, `destination=${to}`];
  if (propagated) fields.push("bind-propagation=rslave");
  if (readOnly) fields.push("readonly");
  return fields.map(csvField).join(",");
}

export const csvField = (field: string) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);

/** Words that podman and docker share. */
export function commonStart(start: ContainerStart): string[] {
  const [entry, ...words] = start.holder;
  return [
    ...["run", "--detach", "--name", start.name, "--label", start.label, "--pull", "never"],
    // The job's ports and processes are the machine's; nobody inside is another user than outside.
    ...["--network", "host", "--pid", "host", "--userns", "host", "--user", "0:0"],
    ...["--security-opt", "label=disable", "--log-driver", "none"],
    // Of the image nothing runs but what the job starts: a health check would be root's, whoever the job is.
    "--no-healthcheck",
    ...(start.account ? ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"] : []),
    // Images of NVIDIA ask for all GPUs where the runtime's default is to give them.
    ...(start.gpuUuids.length === 0 ? ["--env", "NVIDIA_VISIBLE_DEVICES=void"] : []),
    ...["--workdir", "/", "--env", `STOKER_LEASE=${start.lease}`],
    ...(start.shmSizeBytes > 0 ? ["--shm-size", String(start.shmSizeBytes)] : []),
    ...start.devices.flatMap((device) => ["--device", device]),
    ...start.mounts.flatMap((mount) => ["--mount", mountWord(mount)]),
    ...["--entrypoint", entry, start.image, ...words],
  ];
}
