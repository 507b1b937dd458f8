import { statfs } from "node:fs/promises";

/** What is left to programs on the disk of `folder`; undefined when it can't be asked. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // No sample is what Prometheus knows for that.
    return undefined;
  }
}
