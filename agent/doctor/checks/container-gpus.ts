import { type Finding, warn } from "../../../shared/doctor/finding.js";
import type { Machine } from "../../../shared/doctor/machine.js";
import { gpuDevices } from "./gpu-devices.js";

/** Where descriptions of devices for containers (CDI) are looked for; NVIDIA's toolkit writes its own into either. */
const folders = ["/etc/cdi", "/var/run/cdi"];
const generate = "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml";
const install = "apt install nvidia-container-toolkit";

/** What keeps containers of this runtime from the machine's GPUs; undefined: nothing. */
export async function containerGpus(machine: Machine, runtime: string): Promise<Finding | undefined> {
  if (gpuDevices(machine).length === 0 || runtime === "apptainer") return undefined;
  const hasToolkit = (await machine.run(["nvidia-ctk", "--version"]))?.code === 0;
  const driver = /Kernel Module.*?\s(\d+(?:\.\d+)+)\s/.exec(machine.read("/proc/driver/nvidia/version") ?? "")?.[1];
  if (runtime === "docker")
    return hasToolkit
      ? undefined
      : warn("containers get no GPU: NVIDIA's container toolkit is missing", `${install} && systemctl restart docker`);
  const described = descriptions(machine);
  if (described.length === 0) {
    // Without a driver there is nothing to describe.
    if (hasToolkit && driver === undefined) return undefined;
    const sentence = "containers get no GPU: there is no description of the GPUs for them (CDI)";
    return warn(sentence, hasToolkit ? generate : `${install} && ${generate}`);
  }
  if (!described.some((text) => /\bGPU-[0-9a-f]{8}-/.test(text))) {
    const sentence = "containers get no GPU: the description of the GPUs for them (CDI) does not name them by UUID";
    return warn(sentence, `${generate} --device-name-strategy=uuid`);
  }
  const versions = described.flatMap((text) =>
    [...text.matchAll(/libcuda\.so\.(\d+(?:\.\d+)+)/g)].map(([, version]) => version),
  );
  if (driver === undefined || versions.length === 0 || versions.includes(driver)) return undefined;
  return warn(
    `containers with GPUs don't start: their description (CDI) is of driver ${versions[0]}, and ${driver} is loaded`,
    generate,
  );
}

const descriptions = (machine: Machine): string[] =>
  folders
    .flatMap((folder) => machine.list(folder).map((name) => `${folder}/${name}`))
    .filter((path) => /\.(?:ya?ml|json)$/.test(path))
    .map((path) => machine.read(path) ?? "")
    .filter((text) => text.includes("nvidia.com/gpu"));
