import { type Check, type Finding, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { CoordinatorWorld } from "../world.js";

export const port: Check<CoordinatorWorld> = {
  name: "port",
  async look({ machine, listen, unit }) {
    const [, host = "", number = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(listen) ?? [];
    const isEverywhere = host === "0.0.0.0" || host === "::";
    const why = await machine.reach(isEverywhere ? "127.0.0.1" : host, Number(number));
    const found: Finding[] = [
      why === undefined
        ? ok(`the coordinator answers at ${listen}`)
        : fail(`nobody answers at ${listen}: ${why}`, `systemctl status ${unit}; journalctl -u ${unit} -n 50`),
    ];
    if (/^(127\.|localhost$|::1$)/.test(host)) {
      const remedy = `set listen to 0.0.0.0:${number} in /etc/stoker/coordinator.yaml, then: systemctl restart ${unit}`;
      found.push(warn(`it listens at ${listen} alone: other machines can't join`, remedy));
    }
    return found;
  },
};
