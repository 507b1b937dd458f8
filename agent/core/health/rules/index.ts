import type { HealthRule } from "../health.js";
import { drainAsked } from "./drain-asked.js";
import { fabric } from "./fabric.js";
import { hot } from "./hot.js";
import { lost } from "./lost.js";
import { narrowLink } from "./narrow-link.js";
import { noAnswers } from "./no-answers.js";
import { noSpareRows } from "./no-spare-rows.js";
import { nvlinkDown } from "./nvlink-down.js";
import { powerBrake } from "./power-brake.js";
import { recovery } from "./recovery.js";
import { remapFailed } from "./remap-failed.js";
import { remapPending } from "./remap-pending.js";
import { replays } from "./replays.js";
import { retiredPages } from "./retired-pages.js";
import { slowClock } from "./slow-clock.js";
import { slowLink } from "./slow-link.js";
import { sramThreshold } from "./sram-threshold.js";
import { stranger } from "./stranger.js";
import { strayMemory } from "./stray-memory.js";
import { uncorrectedMemory } from "./uncorrected-memory.js";

/** All are looked for; the gravest decides. */
export const rules: readonly HealthRule[] = [
  lost,
  noAnswers,
  recovery,
  drainAsked,
  remapFailed,
  remapPending,
  noSpareRows,
  retiredPages,
  uncorrectedMemory,
  sramThreshold,
  fabric,
  hot,
  powerBrake,
  narrowLink,
  slowLink,
  nvlinkDown,
  replays,
  strayMemory,
  stranger,
  slowClock,
];
