import { statfsSync } from "node:fs";

/** Less than this is none to a program that writes. */
const littleBytes = 1024 * 1024;

/** A sentence for each folder whose disk has no room: a rank that failed may have failed for that. */
export function fullDisks(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    try {
      const { bavail, bsize } = statfsSync(folder);
      const freeBytes = bavail * bsize;
      return freeBytes < littleBytes
        ? [`the node's disk was full at the end: ${freeBytes} bytes free at ${folder}`]
        : [];
    } catch {
      // Gone or unreadable: others say so.
      return [];
    }
  });
}
