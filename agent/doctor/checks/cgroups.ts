import { type Check, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";

const wanted = ["cpu", "memory", "pids"];

export const cgroups: Check<AgentWorld> = {
  name: "cgroups",
  async look({ machine, unit }) {
    const points = (machine.read("/proc/self/mounts") ?? "").split("\n").map((line) => line.split(" "));
    const root = points.find(([, , kind]) => kind === "cgroup2")?.[1];
    const boot =
      "add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub and restart";
    if (root === undefined)
      return warn(
        "there are no control groups of version 2: jobs have no limits, and are frozen one process at a time",
        boot,
      );
    const there = (machine.read(`${root}/cgroup.controllers`) ?? "").trim().split(" ");
    const missing = wanted.filter((name) => !there.includes(name));
    if (missing.length > 0) {
      return warn(`control groups of version 2 have no ${missing.join(", ")} here: jobs can't be limited in it`, boot);
    }
    const delegated = await machine.run(["systemctl", "show", "--property=Delegate", "--value", unit]);
    if (delegated?.code === 0 && delegated.stdout.trim() === "no") {
      return warn(
        `${unit} has no control group of its own to divide`,
        `systemctl edit ${unit}, and there under [Service]: Delegate=yes`,
      );
    }
    return ok(
      `control groups of version 2 with ${wanted.join(", ")}${delegated?.code === 0 ? ", delegated to the agent" : ""}`,
    );
  },
};
