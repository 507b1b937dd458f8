import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../scripts/site/processes.js";
import type { BenchSite } from "../bench-site.js";
import { mark } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";

/** A node of two loses its power: to the first rank of the next attempt. The median of three. */
export async function nodeLossToRerun(site: BenchSite): Promise<number> {
  const parent = await site.experiment("loss");
  const jobs = site.jobs();
  const samples: number[] = [];
  for (let sample = 0; sample < 3; sample++) {
    const folder = site.marks();
    const { job } = await jobs.createJob({
      parent,
      name: `j${sample}`,
      spec: {
        cluster: { id: "all" },
        nodeCount: 2,
        toolkit: {
          case: "pyTorchSettings",
          value: {
            commandLine: `${mark(`${folder}/$STOKER_ATTEMPT-$AZ_BATCHAI_TASK_INDEX`)}; exec sleep 600`,
            processCount: 2,
            communicationBackend: "gloo",
          },
        },
      },
    });
    const id = job?.id ?? "";
    await markAt(join(folder, "1-1"), 20_000);
    await markAt(join(folder, "1-0"), 20_000);
    const current = (await jobs.getJob({ id })).job;
    const victim = current?.attempts[0]?.nodes[sample % 2]?.name;
    if (victim === undefined) throw new Error(`${id} runs nowhere`);
    const cut = wallMs();
    await site.local.cutPower(victim);
    const first = await Promise.race([markAt(join(folder, "2-0"), 60_000), markAt(join(folder, "2-1"), 60_000)]);
    samples.push(first - cut);
    await jobs.terminateJob({ id });
    site.local.startAgent(victim);
    await until(
      "the job has ended",
      async () => ((await jobs.getJob({ id })).job?.executionInfo?.endTime ? true : undefined),
      30_000,
    );
  }
  return percentile(samples, 50);
}

function markAt(path: string, deadlineMs: number): Promise<number> {
  return until(
    path,
    () => (existsSync(path) && Number(readFileSync(path, "utf8")) * 1000) || undefined,
    deadlineMs,
    10,
  );
}
