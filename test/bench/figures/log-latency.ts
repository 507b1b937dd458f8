import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { type Figure, percentile } from "../figure.js";
import { nowMs } from "../stamps.js";

const lineCount = 500;

export const logLatency: Figure = {
  keys: ["logLatencyMs.p50", "logLatencyMs.p99"],
  targets: { "logLatencyMs.p50": { atMost: 10 }, "logLatencyMs.p99": { atMost: 100 } },
  description: "500 lines, 20 ms apart: written by the rank to seen by a follower",
  agents: 1,
  async measure(site) {
    const client = site.connection();
    const writer = `for i in $(seq ${lineCount}); do echo "$EPOCHREALTIME"; sleep 0.02; done`;
    const id = await site.submit(client, {
      nodeCount: 1,
      toolkit: { case: "customToolkitSettings", value: { commandLine: writer } },
    });
    const samples: number[] = [];
    let rest = "";
    for await (const part of client.client(JobService).streamLogs({ id, follow: true, stream: LogStream.STDOUT })) {
      const seen = nowMs();
      const lines = (rest + Buffer.from(part.data).toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) samples.push(seen - Number(line) * 1_000);
    }
    if (samples.length !== lineCount) throw new Error(`${samples.length} of ${lineCount} lines arrived`);
    // The first lines are history by the time the follower is there.
    const live = samples.slice(20);
    return { "logLatencyMs.p50": percentile(live, 0.5), "logLatencyMs.p99": percentile(live, 0.99) };
  },
};
