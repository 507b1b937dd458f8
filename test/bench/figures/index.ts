import type { Figure } from "../figure.js";
import { cliStart } from "./cli-start.js";
import { durableSubmits } from "./durable-submits.js";
import { gangStart } from "./gang-start.js";
import { jobsPerSecond } from "./jobs-per-second.js";
import { logLatency } from "./log-latency.js";
import { memory } from "./memory.js";
import { mpiStart } from "./mpi-start.js";
import { nodeLoss } from "./node-loss.js";
import { submitToStart } from "./submit-to-start.js";

export const figures: readonly Figure[] = [
  submitToStart,
  jobsPerSecond,
  durableSubmits,
  gangStart,
  mpiStart,
  nodeLoss,
  logLatency,
  memory,
  cliStart,
];
