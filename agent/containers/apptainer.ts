import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Credentials, mountWord, type Runtime } from "./runtime.js";

const file = (image: string, store: string) =>
  join(store, `${createHash("sha256").update(image).digest("hex").slice(0, 32)}.sif`);

/** Keeps images as files. Its containers have no /dev/shm of their own, so that a size for it has no meaning. */
export const apptainer: Runtime = {
  name: "apptainer",
  program: "apptainer",
  version: ["apptainer", "--version"],
  present: (image, store) => ["test", "-f", file(image, store)],
  pull: (image, credentials, store) => ({
    // `--force` writes over what a pull that was killed has left; the file gets its name when it is whole.
    argv: [
      ...(["sh", "-ec", 'apptainer pull --force "$1.part" "docker://$2" && mv -f "$1.part" "$1"', "pull"] as const),
      file(image, store),
      image,
    ],
    environment: configIn(credentials),
  }),
  start: (start, store) => [
    ...(["sh", "-ec", 'mkdir -p "$1"; shift; exec apptainer "$@"', "start", overlay(start.name, store)] as const),
    // The machine's /tmp is not the job's.
    ...["instance", "start", "--no-home", "--no-mount", "tmp", "--cleanenv", "--overlay", overlay(start.name, store)],
    // A script of the image runs at its start.
    ...(start.account ? ["--security", `uid:${start.account.uid}`, "--security", `gid:${start.account.gid}`] : []),
    ...["--env", `STOKER_LEASE=${start.lease}`],
    ...(start.gpuUuids.length > 0 ? ["--nv"] : []),
    ...start.mounts.flatMap((mount) => ["--mount", mountWord({ ...mount, propagated: false })]),
    file(start.image, store),
    start.name,
  ],
  holder: (name) => [
    ...([
      "sh",
      "-ec",
      `apptainer instance list --json "$1" | tr -d ' \\n' | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p'`,
    ] as const),
    "holder",
    name,
  ],
  environment: (name) => ["apptainer", "exec", "--cleanenv", `instance://${name}`, "env", "-0"],
  remove: (name, store) => [
    ...([
      "sh",
      "-ec",
      'apptainer instance stop --force "$1" || [ "$(apptainer instance list | grep -cwF -- "$1")" = 0 ]; rm -rf -- "$2"',
    ] as const),
    ...["remove", name, overlay(name, store)],
  ],
  gone: /no instance found/i,
  list: () => ["sh", "-ec", `apptainer instance list --json | sed -n 's/.*"instance": *"\\([^"]*\\)".*/\\1/p'`],
};

/** What a job installs. */
const overlay = (name: string, store: string) => join(store, "overlays", name);

const configIn = (credentials: Credentials | undefined): Record<string, string> =>
  credentials
    ? // Its cache would be in that folder, too, which is in memory.
      { APPTAINER_CONFIGDIR: credentials.folder, DOCKER_CONFIG: credentials.folder, APPTAINER_DISABLE_CACHE: "true" }
    : {};
