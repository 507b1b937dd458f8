import type { Scenario } from "../stage.js";
import { clusters } from "./clusters.js";
import { container } from "./container.js";
import { fileServer } from "./file-server.js";
import { gpuFaultScenario } from "./gpu-faults.js";
import { firstJob, install } from "./install.js";
import { machines } from "./machines.js";
import { partition } from "./partition.js";
import { powerCuts } from "./power-cut.js";
import { restarts } from "./restarts.js";
import { units } from "./units.js";

/** In the order in which they are played. */
export const scenarios: Scenario[] = [
  machines,
  units,
  ...powerCuts,
  ...restarts,
  partition,
  clusters,
  fileServer,
  container,
  gpuFaultScenario,
  install,
  firstJob,
];
