import { clock } from "../../shared/doctor/checks/clock.js";
import { disk } from "../../shared/doctor/checks/disk.js";
import { fileLimits } from "../../shared/doctor/checks/file-limits.js";
import { names } from "../../shared/doctor/checks/names.js";
import type { Check } from "../../shared/doctor/finding.js";
import { nats } from "./checks/nats.js";
import { port } from "./checks/port.js";
import type { CoordinatorWorld } from "./world.js";

/** In the order in which they are told. */
export const checks: ReadonlyArray<Check<CoordinatorWorld>> = [port, nats, clock, disk, fileLimits, names];
