import type { Machine } from "../../../shared/doctor/machine.js";

const pci = "/sys/bus/pci/devices";
const nvidia = "0x10de";
/** VGA and 3D controllers; not the audio device and the bridge of the same card. */
const display = /^0x030[02]/;

/** NVIDIA's GPUs by their bus addresses, whether there is a driver or not. */
export const gpuDevices = (machine: Machine): string[] =>
  machine.list(pci).filter((name) => {
    const property = (file: string) => (machine.read(`${pci}/${name}/${file}`) ?? "").trim();
    return property("vendor") === nvidia && display.test(property("class"));
  });
