import type { FoundGpu, Gang, WatchedGpu } from "./gang.js";

/** GPUs that can be compared: those of one model. */
export function groupsOf({ gpus }: Gang): WatchedGpu[][] {
  const groups = new Map<string, WatchedGpu[]>();
  for (const gpu of gpus) groups.set(gpu.model, [...(groups.get(gpu.model) ?? []), gpu]);
  return [...groups.values()];
}

/** Where more lag, it is no longer one that the others wait for: they are made or used differently. */
export const fewOf = (count: number): number => Math.max(1, Math.floor(count / 4));

export const bare = ({ node, index, uuid, ranks }: WatchedGpu): FoundGpu => ({ node, index, uuid, ranks });

/** Who is among the suspects stays there until it is clearly no longer one. */
export const eased = (isFound: boolean, limit: number, towards: number): number =>
  isFound ? limit + (towards - limit) / 2 : limit;
