import { type Check, ok, warn } from "../../../shared/doctor/finding.js";
import { limitOf } from "../../../shared/doctor/limits.js";
import type { AgentWorld } from "../world.js";

export const lockedMemory: Check<AgentWorld> = {
  name: "InfiniBand",
  async look({ machine, unit }) {
    const devices = machine.list("/sys/class/infiniband");
    if (devices.length === 0) return undefined;
    const limit = await limitOf(machine, unit, "Max locked memory");
    if (limit !== undefined && limit !== "unlimited") {
      const remedy = `systemctl edit ${unit}, and there under [Service]: LimitMEMLOCK=infinity`;
      return warn(`${devices.join(", ")}: processes may lock ${limit} bytes only, which is too little for it`, remedy);
    }
    return ok(`${devices.join(", ")}, and no limit on locked memory`);
  },
};
