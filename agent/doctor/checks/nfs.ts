import { type Check, fail, ok } from "../../../shared/doctor/finding.js";
import { isUbuntu } from "../distribution.js";
import type { AgentWorld } from "../world.js";

export const nfs: Check<AgentWorld> = {
  name: "NFS",
  async look({ machine }) {
    const program = await machine.run(["mount.nfs", "-V"]);
    if (!program)
      return fail("there is no mount.nfs: volumes of file servers can't be mounted", "apt install nfs-common");
    const isLoaded = /\bnfs4?$/m.test(machine.read("/proc/filesystems") ?? "");
    if (isLoaded) return ok("the kernel's NFS client is there");
    const module = await machine.run(["modprobe", "--dry-run", "nfs"]);
    if (module?.code === 0) return ok("the kernel's NFS client is loaded when it is needed");
    const kernel = isUbuntu(machine) ? "linux-image-generic" : "linux-image-$(dpkg --print-architecture)";
    return fail("the kernel has no NFS client", `apt install ${kernel} && reboot`);
  },
};
