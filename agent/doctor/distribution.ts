import type { Machine } from "../../shared/doctor/machine.js";

/** Ubuntu has drivers and kernels in packages of other names than Debian. */
export const isUbuntu = (machine: Machine): boolean => /^ID=ubuntu$/m.test(machine.read("/etc/os-release") ?? "");
