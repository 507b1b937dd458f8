import { cpu } from "./cpu.js";
import { host } from "./host/host.js";
import { load } from "./load.js";
import { memory } from "./memory.js";
import type { Source } from "./source.js";

/** Everything that is measured beside GPUs. Each has a pure `parse…` and a thin `sample`. */
export const sources = (everyMs: number): Source[] => [cpu(everyMs), memory(everyMs), load(everyMs), host()];
