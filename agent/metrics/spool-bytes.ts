import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** st_blocks counts these, whatever the disk's own are. */
const blockBytes = 512;

/** What a folder takes on the disk: less than its files' lengths, for what is stored has been punched out of them. */
export async function bytesOnDisk(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await orNothing(readdir(folder, { withFileTypes: true }))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesOnDisk(path);
    else if (entry.isFile()) for (const { blocks } of await orNothing(one(path))) bytes += blocks * blockBytes;
  }
  return bytes;
}

const one = async (path: string) => [await stat(path)];

/** What has gone meanwhile takes no room. */
async function orNothing<T>(read: Promise<T[]>): Promise<T[]> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
