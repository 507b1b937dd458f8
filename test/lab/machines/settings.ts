import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Holds the image and the labs' disks. */
export const labRoot = process.env.STOKER_LAB_ROOT ?? "/var/lib/stoker-lab";
/** Several labs can live side by side. */
export const labName = process.env.STOKER_LAB_NAME ?? "lab";
export const labFolder = join(labRoot, labName);
export const imageFolder = join(labRoot, "image");
export const imageBuilder = join(dirname(dirname(fileURLToPath(import.meta.url))), "image", "build");

/** These addresses exist in the lab's own network namespaces alone, and are routed nowhere. */
export const addressOf = (place: string): string => `10.77.0.${numberOf(place)}`;
/** Where the coordinator runs: the host's files in the lab's network. */
export const control = "control";
/** The NFS server. */
export const filer = "filer";
/** The lab's own hand: the switch itself, which partitions leave alone. */
export const handAddress = "10.77.0.250";

export function numberOf(place: string): number {
  if (place === control) return 254;
  if (place === filer) return 253;
  const number = Number(/^m([1-9]\d?)$/.exec(place)?.[1]);
  if (!(number <= 60)) throw new Error(`${place} is no place in the lab: m1 to m60, ${control} or ${filer}`);
  return number;
}
