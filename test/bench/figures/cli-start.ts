import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Figure, percentile } from "../figure.js";
import { programs } from "../site.js";
import { nowMs } from "../stamps.js";

export const cliStart: Figure = {
  keys: ["cliStartMs"],
  targets: { cliStartMs: { atMost: 250 } },
  description: "`stoker --version`, and a call to the coordinator (`workspace list`): the slower median",
  agents: 0,
  async measure(site) {
    const median = (args: string[]) => {
      const samples = Array.from({ length: 10 }, () => {
        const from = nowMs();
        execFileSync(process.execPath, [join(programs, "stoker.js"), ...args], { env: site.cliEnvironment });
        return nowMs() - from;
      });
      return percentile(samples, 0.5);
    };
    return { cliStartMs: Math.max(median(["--version"]), median(["workspace", "list"])) };
  },
};
