import { type Figure, percentile } from "../figure.js";
import { nowMs, stamp, stamps } from "../stamps.js";

export const submitToStart: Figure = {
  keys: ["submitToStartMs.p50", "submitToStartMs.p95"],
  targets: { "submitToStartMs.p50": { atMost: 30 }, "submitToStartMs.p95": { atMost: 80 } },
  description: "idle: client's call to the process's first instruction, 30 jobs",
  agents: 4,
  async measure(site) {
    const client = site.connection();
    const samples: number[] = [];
    for (let index = 0; index < 32; index += 1) {
      const path = site.path(`start-${index}`);
      const from = nowMs();
      const id = await site.submit(client, { nodeCount: 1, resources: { cpus: 1 }, toolkit: custom(stamp(path)) });
      const [started] = await stamps(path, 1);
      await site.succeeded(client, id);
      // The first two warm the connection and the programs' code.
      if (index >= 2 && started !== undefined) samples.push(started - from);
    }
    return { "submitToStartMs.p50": percentile(samples, 0.5), "submitToStartMs.p95": percentile(samples, 0.95) };
  },
};

const custom = (commandLine: string) => ({ case: "customToolkitSettings" as const, value: { commandLine } });
