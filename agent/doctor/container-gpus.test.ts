import { expect, test } from "vitest";
import { describedMachine } from "../../test/fakes/machine.js";
import { containerGpus } from "./checks/container-gpus.js";

const gpu = {
  "/sys/bus/pci/devices/0000:65:00.0/vendor": "0x10de\n",
  "/sys/bus/pci/devices/0000:65:00.0/class": "0x030200\n",
  "/proc/driver/nvidia/version":
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n",
};
const described = (name: string, driver = "550.54.15") =>
  `cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: ${name}\n- hostPath: /usr/lib/libcuda.so.${driver}\n`;
const uuid = "GPU-5f1e77aa-0c1d-4d0b-9d0f-0e2d6b1c5a57";
const toolkit = { "nvidia-ctk --version": "1.17" };

test.each<[string, string, Record<string, string>, Record<string, string>, RegExp | undefined]>([
  [
    "podman",
    "no toolkit",
    gpu,
    {},
    /no description of the GPUs.*→ apt install nvidia-container-toolkit && nvidia-ctk cdi/,
  ],
  ["podman", "no description", gpu, toolkit, /no description of the GPUs.*→ nvidia-ctk cdi generate --output=/],
  ["podman", "another's device", { ...gpu, "/etc/cdi/nic.json": '{"kind":"x.com/nic"}' }, toolkit, /no description/],
  ["podman", "by index", { ...gpu, "/etc/cdi/nvidia.yaml": described('"0"') }, toolkit, /by UUID → .*=uuid$/],
  [
    "podman",
    "an old driver",
    { ...gpu, "/etc/cdi/nvidia.yaml": described(uuid, "535.1.2") },
    toolkit,
    /535\.1\.2, and 550\.54\.15/,
  ],
  ["podman", "all there", { ...gpu, "/var/run/cdi/nvidia.yaml": described(uuid) }, {}, undefined],
  ["podman", "no GPU", {}, {}, undefined],
  ["docker", "no toolkit", gpu, {}, /toolkit is missing → apt install nvidia-container-toolkit && systemctl restart/],
  ["docker", "toolkit", gpu, toolkit, undefined],
  ["apptainer", "no toolkit", gpu, {}, undefined],
])("%s, %s", async (runtime, _, files, programs, words) => {
  const found = await containerGpus(describedMachine({ files, programs }), runtime);
  const text = found && `${found.sentence} → ${found.remedy}`;
  if (words === undefined) expect(text).toBeUndefined();
  else expect(text).toMatch(words);
});
