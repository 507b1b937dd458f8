import type { Gang, Judgement } from "../gang.js";
import type { Thresholds } from "../thresholds.js";
import { hang } from "./hang.js";
import { idle } from "./idle.js";
import { stragglerByClock } from "./straggler-clock.js";
import { stragglerLoaded } from "./straggler-loaded.js";
import { stragglerStarved } from "./straggler-starved.js";

export interface Detector {
  /** As its findings name it. */
  readonly rule: string;
  judge(gang: Gang, thresholds: Thresholds): Judgement;
}

/** In this order: what an earlier one says of a GPU counts. */
export const detectors: readonly Detector[] = [
  { rule: "hang", judge: hang },
  { rule: "straggler-clock", judge: stragglerByClock },
  { rule: "straggler-starved", judge: stragglerStarved },
  { rule: "straggler-loaded", judge: stragglerLoaded },
  { rule: "idle", judge: idle },
];
