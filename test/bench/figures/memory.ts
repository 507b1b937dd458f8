import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Figure, percentile } from "../figure.js";
import { programs } from "../site.js";
import { nowMs } from "../stamps.js";

const queued = 10_000;

export const memory: Figure = {
  keys: ["coordinatorRssMiB", "agentRssMiB", "listQueuedMs"],
  targets: { coordinatorRssMiB: { atMost: 200 }, agentRssMiB: { atMost: 90 }, listQueuedMs: { atMost: 500 } },
  description: "10,000 queued jobs; an idle agent; `stoker job list` of the first page",
  agents: 1,
  async measure(site) {
    const agentRssMiB = rssMiB(site.process("b1").pid);
    await site.createCluster("queue", "no-such-class", 1);
    const clients = Array.from({ length: 8 }, () => site.connection());
    await Promise.all(
      clients.map(async (client) => {
        for (let index = 0; index < queued / clients.length; index += 1) {
          await site.submit(
            client,
            { nodeCount: 1, toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } } },
            "queue",
          );
        }
      }),
    );
    const samples: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      const from = nowMs();
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [join(programs, "stoker.js"), "job", "list", "-w", "bench", "-e", "bench"],
        { env: site.cliEnvironment, maxBuffer: 64 * 1024 * 1024 },
      );
      samples.push(nowMs() - from);
      if (!stdout.includes("queued")) throw new Error(`job list shows no queued job: ${stdout.slice(0, 200)}`);
    }
    return {
      coordinatorRssMiB: rssMiB(site.process("coordinator").pid),
      agentRssMiB,
      listQueuedMs: percentile(samples, 0.5),
    };
  },
};

function rssMiB(pid: number | undefined): number {
  const kib = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
