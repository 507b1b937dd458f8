import { until } from "../../scripts/site/processes.js";
import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";
import type { GpuSite, Victim } from "./fault-site.js";
import type { InjectedFault } from "./faults.js";

export interface Seen {
  /** From the fault to the coordinator's listing it as what it is. */
  drainMs: number;
  /** From the fault to the first process of the next attempt; absent where there is none. */
  rerunMs?: number;
}

/** Lets one fault happen to the GPU of a job, and waits for what must come of it. */
export async function inject(site: GpuSite, fault: InjectedFault, { job, node, uuid }: Victim): Promise<Seen> {
  const gpu = (await site.node(node)).inventory?.gpus.find((each) => each.uuid === uuid);
  if (!gpu) throw new Error(`${node} has no GPU ${uuid}`);
  const at = Date.now();
  if (fault.gpu) site.smi(node).gpu(gpu.index, fault.gpu);
  if (fault.kernel) site.kernelSays(node, fault.kernel(site.busOf(gpu.index)));
  if (fault.programEnds) site.endProgram(job);
  const out = async () => stateOf(await site.node(node), uuid) === fault.becomes || undefined;
  await until(`${fault.name}: GPU ${gpu.index} of ${node} is ${fault.becomes}`, out, 60_000, 100);
  const drainMs = Date.now() - at;
  if (fault.becomes !== "failed") return { drainMs };
  const again = await until(`${fault.name}: ${job} runs again`, () => site.starts(job)[1], 60_000, 50);
  return { drainMs, rerunMs: again - at };
}

export const stateOf = (node: Node, uuid: string) => node.gpuHealth.find((gpu) => gpu.uuid === uuid)?.state;
