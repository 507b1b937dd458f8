import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Figure } from "../figure.js";
import { killTree } from "../kill-tree.js";
import { nowMs, stamp, stamps } from "../stamps.js";

export const nodeLoss: Figure = {
  keys: ["nodeLossToRerunMs"],
  targets: { nodeLossToRerunMs: { atMost: 20_000 } },
  description: "2 of 4 nodes busy; everything of one is killed at once; to the next attempt's first process",
  agents: 4,
  async measure(site) {
    const client = site.connection();
    const path = site.path("attempts");
    const id = await site.submit(client, {
      nodeCount: 2,
      toolkit: {
        case: "pyTorchSettings",
        value: { commandLine: `${stamp(path)}; sleep 600`, communicationBackend: "gloo", processCount: 2 },
      },
    });
    await stamps(path, 2);
    const { job } = await client.client(JobService).getJob({ id });
    const victim = job?.attempts.at(-1)?.nodes.at(-1)?.name;
    if (victim === undefined) throw new Error("the job has no attempt");
    const cut = nowMs();
    killTree(site.process(victim).pid ?? 0);
    const starts = await stamps(path, 3);
    await client.client(JobService).terminateJob({ id });
    await site.ended(client, id);
    return { nodeLossToRerunMs: (starts[2] ?? Number.NaN) - cut };
  },
};
