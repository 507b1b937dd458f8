import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt, command } from "./command.js";
import { hasNfsClient } from "./host.js";
import { imageFolder, labName } from "./settings.js";
import { plugSpace, spaceOf } from "./switch.js";
import type { Slot, Tier } from "./tier.js";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Quick tier: systemd as PID 1 of a container with its own network, disk and cgroups, on the host's kernel. */
export const container: Tier = {
  slowness: 1,

  async boot(slot, shareFolder) {
    await plugSpace(slot.name);
    const root = await mountDisk(slot);
    writeFileSync(join(root, "etc/hostname"), `${slot.name}\n`);
    const bindings = ["--bind=/dev/fuse"];
    if (!hasNfsClient()) {
      for (const program of ["mount.nfs", "mount.nfs4"]) {
        rmSync(join(root, "usr/sbin", program), { force: true });
        symlinkSync("/usr/local/sbin/lab-mount-nfs", join(root, "usr/sbin", program));
      }
      bindings.push(`--bind=${shareFolder}:/run/lab-share`);
    }
    return [
      "env",
      // Its own tree is cgroup v2 also where the host mixes versions; and it may call what a machine may call.
      "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1",
      "SYSTEMD_SECCOMP=0",
      "systemd-nspawn",
      "--quiet",
      "--keep-unit",
      "--register=no",
      `--machine=${labName}-${slot.name}`,
      `--hostname=${slot.name}`,
      `--directory=${root}`,
      `--network-namespace-path=/run/netns/${spaceOf(slot.name)}`,
      "--resolv-conf=off",
      "--timezone=off",
      "--kill-signal=SIGKILL",
      ...bindings,
      "--boot",
      "systemd.unit=multi-user.target",
    ];
  },

  async greet() {},

  enter(slot, argv) {
    // What is started here is a process of the machine: it dies with it.
    const scope = join(slot.power.folder, "payload/init.scope/cgroup.procs");
    const script = `echo $$ >${scope} && exec nsenter -t ${firstProcess(scope)} -m -u -i -n -p -C -- env -i HOME=/root PATH=${path} \
      sh -c 'cd /root && exec "$@"' sh "$@"`;
    return ["sh", "-c", script, "sh", ...argv];
  },

  async cleanUp(slot) {
    await attempt(["umount", "-l", join(slot.folder, "root")]);
  },
};

async function mountDisk(slot: Slot): Promise<string> {
  const [upper, work, root] = [join(slot.folder, "upper"), join(slot.folder, "work"), join(slot.folder, "root")];
  for (const folder of [upper, work, root]) mkdirSync(folder, { recursive: true });
  const layers = `lowerdir=${imageFolder}/layer:${imageFolder}/debian,upperdir=${upper},workdir=${work}`;
  await command(["mount", "-t", "overlay", "overlay", "-o", layers, root]);
  return root;
}

/** PID 1 of the machine, by the host's numbers. */
function firstProcess(scope: string): string {
  const isFirst = (pid: string) => /^NSpid:.*\s1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  const pid = readFileSync(scope, "utf8").split("\n").filter(Boolean).find(isFirst);
  if (pid === undefined) throw new Error("the machine has no first process yet");
  return pid;
}
