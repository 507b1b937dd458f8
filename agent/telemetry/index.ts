import { cpu } from "./cpu.js";
import { load } from "./load.js";
import { memory } from "./memory.js";
import { nvidiaSmi } from "./nvidia-smi.js";
import type { SmiRuns } from "./smi-runs.js";
import type { Source } from "./source.js";

/** Everything that is measured. Each has a pure `parse…` and a thin `sample`. */
export const sources = (places: { nvidiaSmi: string | undefined; smiRuns: SmiRuns }): Source[] => [
  cpu(),
  memory(),
  load(),
  ...(places.nvidiaSmi === undefined ? [] : [nvidiaSmi(places.nvidiaSmi, places.smiRuns)]),
];
