import { type Check, fail, ok } from "../../../shared/doctor/finding.js";
import { isUbuntu } from "../distribution.js";
import type { AgentWorld } from "../world.js";
import { gpuDevices } from "./gpu-devices.js";

export const gpuDriver: Check<AgentWorld> = {
  name: "driver",
  async look({ machine }) {
    const devices = gpuDevices(machine);
    const text = machine.read("/proc/driver/nvidia/version");
    const version = /Kernel Module.*?\s(\d+(?:\.\d+)+)\s/.exec(text ?? "")?.[1];
    if (devices.length === 0 && text === undefined) return ok("there is no NVIDIA GPU in this machine");
    if (text !== undefined) return ok(`NVIDIA's driver ${version ?? "of unknown version"} is loaded`);
    const count = devices.length === 1 ? "an NVIDIA GPU, but" : `${devices.length} NVIDIA GPUs, but`;
    const install = isUbuntu(machine)
      ? "apt install ubuntu-drivers-common && ubuntu-drivers install"
      : "apt install nvidia-driver";
    return fail(`there is ${count} no driver is loaded`, `${install} && modprobe nvidia`);
  },
};
