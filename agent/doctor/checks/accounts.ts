import { type Check, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";

/** As systemd/stoker-agent.sysusers has it. */
const number = 60_741;

export const accounts: Check<AgentWorld> = {
  name: "accounts",
  async look({ machine }) {
    const found = await machine.run(["getent", "passwd", "stoker-job"]);
    const uid = found?.stdout.split(":")[2];
    if (found?.code !== 0 || uid === undefined) return undefined;
    if (Number(uid) === number) return ok(`stoker-job is ${number}, as on every machine`);
    const words = `stoker-job is ${uid} here, and ${number} elsewhere: processes of one job can't share files with each other`;
    return warn(words, `drain the node, then: usermod -u ${number} stoker-job && groupmod -g ${number} stoker-job`);
  },
};
