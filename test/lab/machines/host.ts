import { accessSync, existsSync, readFileSync } from "node:fs";
import { attempt, command } from "./command.js";

export type TierName = "quick" | "full";

const packages: Record<TierName, string[]> = {
  quick: [
    "systemd-container",
    "mmdebstrap",
    "debian-archive-keyring",
    "nfs-ganesha",
    "nfs-ganesha-vfs",
    "nats-server",
    "iproute2",
    "nftables",
    "openssh-client",
    "procps",
  ],
  full: ["user-mode-linux", "bubblewrap", "e2fsprogs"],
};

/** Throws one line that says what is missing, when it cannot be put right here. */
export async function prepareHost(tier: TierName): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error("the lab makes network namespaces, mounts and containers: run it as root");
  for (const device of tier === "full" ? ["/dev/net/tun"] : ["/dev/fuse"]) {
    if (!existsSync(device)) throw new Error(`the lab's ${tier} tier needs ${device}, which this host does not have`);
  }
  cgroupRoots();
  await installMissing(tier === "full" ? [...packages.quick, ...packages.full] : packages.quick);
}

async function installMissing(wanted: string[]): Promise<void> {
  const { stdout } = await attempt(["dpkg-query", "--list", ...wanted]);
  const installed = new Set([...stdout.matchAll(/^ii +([^ :]+)/gm)].map((line) => line[1]));
  const missing = wanted.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  process.stderr.write(`lab: installing ${missing.join(" ")} on this host\n`);
  const quiet = { environment: { DEBIAN_FRONTEND: "noninteractive" } };
  await command(["apt-get", "update", "-qq"], quiet);
  await command(
    ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-qy", "--no-install-recommends", ...missing],
    quiet,
  );
}

/** The unified cgroup tree, whose `cgroup.kill` is the power switch, and beside it systemd's own tree on a host that still mixes versions. */
export function cgroupRoots(): { unified: string; systemd: string | undefined } {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const unified = mounts.find(([, , kind]) => kind === "cgroup2")?.[1];
  if (unified === undefined)
    throw new Error("the lab needs a cgroup v2 tree: mount -t cgroup2 none /sys/fs/cgroup/unified");
  accessSync(unified);
  const systemd = mounts.find(
    ([, , kind, options = ""]) => kind === "cgroup" && options.split(",").includes("name=systemd"),
  )?.[1];
  return { unified, systemd };
}

/** Whether this host's kernel, which quick machines share, can mount NFS by itself. */
export const hasNfsClient = () => /\bnfs4?$/m.test(readFileSync("/proc/filesystems", "utf8"));

export const bootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
