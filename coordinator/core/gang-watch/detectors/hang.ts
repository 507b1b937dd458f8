import { type Found, type Gang, type Judgement, namesOf, type WatchedGpu } from "../gang.js";
import { bare } from "../peers.js";
import type { Thresholds } from "../thresholds.js";
import { isFlat, lasting, median, recent } from "../window.js";

/** `spinning`: polls in a collective, at full utilization and next to no power. `still`: does nothing, and neither does its machine. */
type State = "spinning" | "still" | "elsewhere" | "working" | "unknown";

/**
 * No GPU of the gang makes progress. Processes that wait for a peer in a collective of NCCL poll in a kernel: their GPUs are at full
 * utilization, and draw a third of what they draw at work, evenly. The one that they wait for does nothing, or waits for somebody else.
 */
export function hang(gang: Gang, thresholds: Thresholds): Judgement {
  const states = gang.gpus.map((gpu) => ({ gpu, state: stateOf(gang, gpu, thresholds) }));
  const are = (state: State) => states.filter((each) => each.state === state).map(({ gpu }) => gpu);
  if (gang.gpus.length === 0 || are("working").length + are("elsewhere").length > 0) return [];
  if (are("unknown").length > 0) return "unknown";
  const spinning = are("spinning");
  const still = are("still");
  // Of one that was never used nobody knows what it is held for: that is not a hang.
  if (spinning.length === 0 && !gang.gpus.some(({ worked }) => worked)) return [];
  return [told(gang, spinning, still, thresholds)];
}

function stateOf(gang: Gang, gpu: WatchedGpu, thresholds: Thresholds): State {
  const { hangAfter, idlePercent, spinPercent, spinPower, restingPower, flatPower, busyCpuPercent } = thresholds;
  const used = recent(gang, gpu, "utilizationPercent", hangAfter, thresholds);
  if (!used) return "unknown";
  if (used.every((percent) => percent < idlePercent)) {
    const cpu = recent(gang, gpu, "cpuPercent", hangAfter, thresholds);
    if (!cpu) return "unknown";
    return median(cpu) >= busyCpuPercent ? "elsewhere" : "still";
  }
  if (!used.every((percent) => percent >= spinPercent)) return "working";
  const watts = recent(gang, gpu, "powerWatts", hangAfter, thresholds);
  if (!watts) return "unknown";
  if (!isFlat(watts, flatPower)) return "working";
  const { busyWatts, restingWatts } = gpu;
  const drawn = median(watts);
  if (busyWatts !== undefined && drawn <= spinPower * busyWatts) return "spinning";
  const atRest = restingWatts !== undefined && drawn <= restingPower * restingWatts;
  return atRest && gang.gpus.length > 1 ? "spinning" : "working";
}

function told(
  gang: Gang,
  spinning: readonly WatchedGpu[],
  still: readonly WatchedGpu[],
  { hangAfter }: Thresholds,
): Found {
  const told = { kind: "hang", rule: "hang", since: gang.now - hangAfter } as const;
  const advice = "look at its ranks' stacks with stoker job node exec and py-spy or gdb";
  const after = `for ${lasting(hangAfter)}`;
  if (spinning.length === 0) {
    const all = gang.gpus.length === 1 ? namesOf(gang.gpus) : `each of its ${gang.gpus.length} GPUs`;
    const sentence = `the job seems to hang: ${all} worked, and does nothing ${after}, nor do the processors: ${advice}`;
    return { ...told, gpus: gang.gpus.map(bare), sentence };
  }
  if (still.length > 0 && still.length <= spinning.length) {
    const others = `${spinning.length} other ${spinning.length === 1 ? "GPU waits" : "GPUs wait"}`;
    const sentence = `the job seems to hang: ${namesOf(still)} ${still.length === 1 ? "does" : "do"} nothing ${after}, while ${others} at full utilization and next to no power: ${advice}`;
    return { ...told, gpus: still.map(bare), sentence };
  }
  const all = gang.gpus.length === 1 ? `${namesOf(gang.gpus)} is` : `its ${gang.gpus.length} GPUs are`;
  const sentence = `the job seems to hang: ${all} at full utilization and next to no power ${after}, as when each rank waits for another one: ${advice}`;
  return { ...told, gpus: gang.gpus.map(bare), sentence };
}
