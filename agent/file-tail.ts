import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** The end of a local file; of one that is not there, nothing. What was freed of it reads as NUL, and is left out. */
export function tail(path: string, bytes: number): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
  try {
    const buffer = Buffer.alloc(bytes);
    const read = readSync(descriptor, buffer, 0, bytes, Math.max(0, fstatSync(descriptor).size - bytes));
    return buffer.toString("utf8", 0, read).replaceAll("\0", "").trim();
  } finally {
    closeSync(descriptor);
  }
}
