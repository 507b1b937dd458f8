import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { attempt, command, quoted } from "./command.js";
import { addressOf, imageFolder } from "./settings.js";
import { atSwitch, macOf, plugTap } from "./switch.js";
import type { Slot, Tier } from "./tier.js";

const memory = process.env.STOKER_LAB_MEMORY ?? "1G";

/** Full tier: a user-mode Linux guest with its own kernel, memory, disk, cgroups and NFS client, in a jail with no rights on the host. */
export const guest: Tier = {
  slowness: 8,

  async boot(slot) {
    await plugTap(slot.name);
    const sockets = join(slot.folder, "sockets");
    rmSync(sockets, { recursive: true, force: true });
    mkdirSync(sockets, { recursive: true });
    const jail = [
      ...["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc"],
      ...[
        "--ro-bind",
        "/usr",
        "/usr",
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--symlink",
        "usr/bin",
        "/bin",
      ],
      ...["--proc", "/proc", "--dev", "/dev", "--dev-bind", "/dev/net/tun", "/dev/net/tun"],
      ...["--ro-bind", join(imageFolder, "disk.ext4"), "/image/disk.ext4", "--bind", slot.folder, "/machine"],
    ];
    const kernel = [
      ...[
        "linux.uml",
        `mem=${memory}`,
        "uml_dir=/machine/sockets",
        `umid=${slot.name}`,
        "ubd0=/machine/disk.cow,/image/disk.ext4",
      ],
      ...["root=/dev/ubda", "rw", "con=null", "con0=null,fd:1", "ssl=null", "loglevel=4", "selinux=0", "apparmor=0"],
      ...[
        `eth0=tuntap,${slot.name},${macOf(slot.name)}`,
        `lab.name=${slot.name}`,
        `lab.address=${addressOf(slot.name)}`,
      ],
    ];
    return atSwitch([...jail, ...kernel]);
  },

  async greet(slot) {
    // One connection, shared by every later `exec`; started apart, so that it holds nobody's pipe open.
    await attempt(ssh(slot, ["-O", "exit"]));
    await command(["sh", "-c", 'exec "$@" </dev/null >/dev/null 2>&1', "sh", ...ssh(slot, ["-fNM"])], {
      limitMs: 20_000,
    });
  },

  enter: (slot, argv) => ssh(slot, [], ["--", argv.map(quoted).join(" ")]),

  async cleanUp(slot) {
    await attempt(ssh(slot, ["-O", "exit"]));
  },
};

function ssh(slot: Slot, flags: string[], remote: string[] = []): string[] {
  const options = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    `ControlPath=${join(slot.folder, "ssh")}`,
  ].flatMap((option) => ["-o", option]);
  return atSwitch([
    "ssh",
    "-i",
    join(imageFolder, "ssh_key"),
    ...options,
    ...flags,
    `root@${addressOf(slot.name)}`,
    ...remote,
  ]);
}
