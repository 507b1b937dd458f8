import { open } from "node:fs/promises";
import { type LogAddress, logPath } from "./address.js";
import type { LogStore } from "./store.js";

const chunkBytes = 64 * 1024;

/** The stream's bytes from `offset` to what was there at the call, in pieces. */
export async function* readLog(
  store: LogStore,
  address: LogAddress,
  offset: number,
): AsyncGenerator<{ offset: number; data: Uint8Array }> {
  const end = store.length(address);
  if (offset >= end) return;
  await using file = await openFile(logPath(store.root, address));
  let at = offset;
  while (at < end) {
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - at));
    const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, at);
    // The job was deleted while it was read.
    if (bytesRead === 0) return;
    yield { offset: at, data: buffer.subarray(0, bytesRead) };
    at += bytesRead;
  }
}

async function openFile(path: string) {
  const handle = await open(path, "r");
  return { handle, [Symbol.asyncDispose]: () => handle.close() };
}
