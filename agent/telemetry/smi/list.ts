/** `nvidia-smi -L`: the only place where MIG devices have their UUIDs. */
export interface ListedGpu {
  index: number;
  name: string;
  uuid: string;
  migDevices: Array<{ index: number; profile: string; uuid: string }>;
}

const longestLine = 1_000;
const gpuLine = /^GPU (\d+): (.*?)\s*\(UUID: (\S+)\)\s*$/;
const migLine = /^\s+MIG (\S+)\s+Device\s+(\d+):\s*\(UUID: (\S+)\)\s*$/;

/** Lines of other kinds, such as of a GPU that is lost, are passed over. */
export function parseList(text: string): ListedGpu[] {
  const gpus: ListedGpu[] = [];
  for (const line of text.split("\n")) {
    // No GPU has such a name, and the patterns would look at every blank of it again and again.
    if (line.length > longestLine) continue;
    const [, index, name, uuid] = gpuLine.exec(line) ?? [];
    if (index !== undefined && name !== undefined && uuid !== undefined) {
      gpus.push({ index: Number(index), name, uuid, migDevices: [] });
      continue;
    }
    const [, profile, place, device] = migLine.exec(line) ?? [];
    if (profile !== undefined && device !== undefined)
      gpus.at(-1)?.migDevices.push({ index: Number(place), profile, uuid: device });
  }
  return gpus;
}
