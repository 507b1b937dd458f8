import { type Check, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { CoordinatorWorld } from "../world.js";

export const nats: Check<CoordinatorWorld> = {
  name: "NATS",
  async look({ machine, natsServer, natsUrl }) {
    if (natsUrl !== undefined) {
      const { hostname: host, port } = new URL(natsUrl.includes("://") ? natsUrl : `nats://${natsUrl}`);
      const why = await machine.reach(host, Number(port || 4222));
      if (why === undefined) return ok(`the NATS at ${natsUrl} answers`);
      return fail(
        `the NATS at ${natsUrl} can't be reached: ${why}; logs do not come in`,
        "start it, or set nats-url to another",
      );
    }
    const ran = await machine.run([natsServer ?? "nats-server", "--version"]);
    if (!ran) return fail(`there is no ${natsServer}: the coordinator can't start`, "apt install nats-server");
    const [, version = "", major, minor] = /v?((\d+)\.(\d+)\S*)/.exec(ran.stdout || ran.stderr) ?? [];
    if (Number(major) * 1_000 + Number(minor) < 2_009) {
      return warn(
        `nats-server is ${version || "of an unknown version"}; 2.9 or newer is wanted`,
        "apt install nats-server",
      );
    }
    return ok(`nats-server ${version}`);
  },
};
