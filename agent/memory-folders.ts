import { statfsSync } from "node:fs";

/** Linux's TMPFS_MAGIC. */
const tmpfs = 0x01021994;

const isInMemory = (folder: string) => {
  try {
    return statfsSync(folder).type === tmpfs;
  } catch {
    // Not there: the next one may be.
    return false;
  }
};

/** Folders whose files never come to a disk and are gone when the machine restarts, the best first. Swap is the machine's own affair. */
export const memoryFolders = (among: readonly string[] = ["/run", "/dev/shm"]): string[] => among.filter(isInMemory);
