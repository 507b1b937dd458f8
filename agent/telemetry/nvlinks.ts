import { limitedOutput } from "./limited-output.js";

const limitMs = 10_000;

/** By UUID, how many NVLinks are up, as `nvidia-smi nvlink -s` tells it. A GPU of which it tells none has none, or none that may be asked for. */
export function parseNvlinks(text: string): ReadonlyMap<string, number> {
  const links = new Map<string, number>();
  let uuid: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const gpu = /^GPU \d+: .*\(UUID: (GPU-[^)]+)\)/.exec(line);
    if (gpu) uuid = gpu[1];
    else if (uuid === undefined) continue;
    else if (/^\s*Link \d+: \d/.test(line)) links.set(uuid, (links.get(uuid) ?? 0) + 1);
    else if (/^\s*Link \d+: |all links are in ?active/i.test(line)) links.set(uuid, links.get(uuid) ?? 0);
  }
  return links;
}

/** Empty where this driver can't say. */
export async function readNvlinks(program: string): Promise<ReadonlyMap<string, number>> {
  try {
    return parseNvlinks(await limitedOutput(program, ["nvlink", "-s"], limitMs));
  } catch {
    // No rule is broken by what nobody knows, and whole readings tell what keeps nvidia-smi from answering.
    return new Map();
  }
}
