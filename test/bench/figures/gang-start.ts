import { type Figure, percentile } from "../figure.js";
import { nowMs, stamp, stamps } from "../stamps.js";

export const gangStart: Figure = {
  keys: ["gangStartMs.p50"],
  targets: { "gangStartMs.p50": { atMost: 60 } },
  description: "4 nodes, no MPI: client's call to the last process's first instruction, 30 jobs",
  agents: 4,
  async measure(site) {
    const client = site.connection();
    const samples: number[] = [];
    for (let index = 0; index < 32; index += 1) {
      const path = site.path(`gang-${index}`);
      const from = nowMs();
      const id = await site.submit(client, {
        nodeCount: 4,
        toolkit: {
          case: "pyTorchSettings",
          value: { commandLine: stamp(path), communicationBackend: "gloo", processCount: 4 },
        },
      });
      const started = await stamps(path, 4);
      await site.succeeded(client, id);
      if (index >= 2) samples.push(Math.max(...started) - from);
    }
    return { "gangStartMs.p50": percentile(samples, 0.5) };
  },
};
