import type { Figure } from "../figure.js";
import { nowMs } from "../stamps.js";

const clientCount = 8;
const callsPerClient = 500;

export const durableSubmits: Figure = {
  keys: ["durableSubmitsPerSecond"],
  targets: { durableSubmitsPerSecond: { atLeast: 2_000 } },
  description: "8 clients, one job a call, each acknowledged after its commit is on disk",
  agents: 0,
  async measure(site) {
    // No machine is of this class: the jobs only queue.
    await site.createCluster("queue", "no-such-class", 1);
    const clients = Array.from({ length: clientCount }, () => site.connection());
    const submit = (count: number) =>
      Promise.all(
        clients.map(async (client) => {
          for (let index = 0; index < count; index += 1) {
            await site.submit(
              client,
              { nodeCount: 1, toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } } },
              "queue",
            );
          }
        }),
      );
    await submit(50);
    const from = nowMs();
    await submit(callsPerClient);
    return { durableSubmitsPerSecond: ((clientCount * callsPerClient) / (nowMs() - from)) * 1_000 };
  },
};
