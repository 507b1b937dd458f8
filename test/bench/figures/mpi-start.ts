import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Figure, percentile } from "../figure.js";
import { nowMs, stamps } from "../stamps.js";

export const mpiStart: Figure = {
  keys: ["mpiStartMs.p50"],
  targets: { "mpiStartMs.p50": { atMost: 700 } },
  description: "4 nodes: client's call to every rank past MPI_Init and a barrier, 10 jobs",
  agents: 4,
  async measure(site) {
    const program = site.path("barrier");
    execFileSync("mpicc.openmpi", ["-O2", "-o", program, join(import.meta.dirname, "barrier.c")]);
    const client = site.connection();
    const samples: number[] = [];
    for (let index = 0; index < 11; index += 1) {
      const path = site.path(`mpi-${index}`);
      const from = nowMs();
      const id = await site.submit(client, {
        nodeCount: 4,
        toolkit: { case: "customMpiSettings", value: { commandLine: `${program} ${path}`, processCount: 4 } },
      });
      const passed = await stamps(path, 4);
      await site.succeeded(client, id);
      if (index >= 1) samples.push(Math.max(...passed) - from);
    }
    return { "mpiStartMs.p50": percentile(samples, 0.5) };
  },
};
