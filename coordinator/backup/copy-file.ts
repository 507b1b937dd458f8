import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";

const chunkBytes = 1 << 20;

/** What was copied. A file that grows meanwhile is copied to the length that it had at the beginning. */
export interface Copied {
  sizeBytes: number;
  sha256: string;
}

export function copyFile(from: string, to: string | undefined, progress: (bytes: number) => void): Copied {
  if (to !== undefined) mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const source = openSync(from, "r");
  const target = to === undefined ? undefined : openSync(to, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { size } = fstatSync(source);
    let sizeBytes = 0;
    while (sizeBytes < size) {
      const read = readSync(source, chunk, 0, Math.min(chunkBytes, size - sizeBytes), sizeBytes);
      if (read === 0) break;
      const part = chunk.subarray(0, read);
      hash.update(part);
      for (let written = 0; target !== undefined && written < read; ) written += writeSync(target, part, written);
      sizeBytes += read;
      progress(read);
    }
    if (target !== undefined) fsyncSync(target);
    return { sizeBytes, sha256: hash.digest("hex") };
  } finally {
    closeSync(source);
    if (target !== undefined) closeSync(target);
  }
}

/** Paths of all plain files below `folder`, as seen from `root`. */
export function filesBelow(root: string, folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** A file, or the names in a folder: they outlive a power cut then. */
export function syncPath(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
