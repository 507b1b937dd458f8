import type { MachineRule } from "./machine.js";
import { allGpusGone } from "./rules/all-gpus-gone.js";
import { diskErrors } from "./rules/disk-errors.js";
import { driver } from "./rules/driver.js";
import { machineChecks } from "./rules/machine-checks.js";
import { readOnly } from "./rules/read-only.js";

/** All are looked for; the first is the reason told. */
export const machineRules: readonly MachineRule[] = [driver, allGpusGone, readOnly, diskErrors, machineChecks];
