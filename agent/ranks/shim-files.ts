import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { parsedJson } from "../parsed-json.js";
import type { ShimExit } from "../ports.js";

/** What a shim writes into its folder: `pid` at the start, `exit` at the end, `stdout` and `stderr` between. */
export function readExit(dir: string): ShimExit | undefined {
  const text = readIfThere(join(dir, "exit"));
  if (text === undefined) return undefined;
  const exit = parsedJson(text);
  if (typeof exit === "object" && exit !== null) {
    const written = writtenIn(exit);
    if ("code" in exit && typeof exit.code === "number") return { exitCode: exit.code, signal: 0, ...written };
    if ("signal" in exit && typeof exit.signal === "number")
      return { exitCode: 128 + exit.signal, signal: exit.signal, ...written };
  }
  return lost(`its exit file can't be read: ${text.slice(0, 100)}`);
}

function writtenIn(exit: object): Pick<ShimExit, "written"> {
  if (!("bytes" in exit && isPair(exit.bytes) && "dropped" in exit && isPair(exit.dropped))) return {};
  return { written: { bytes: exit.bytes, dropped: exit.dropped } };
}

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((each) => Number.isSafeInteger(each));

/** The real exit is not known; a shell would call it killed. */
export const lost = (why: string): ShimExit => ({ exitCode: 137, signal: 9, lost: why });

export function readPid(dir: string): number | undefined {
  const text = readIfThere(join(dir, "pid"));
  const pid = text === undefined ? Number.NaN : Number.parseInt(text, 10);
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

/** True while that process is the shim of `dir`, and not another that got its number later. */
export function isShimOf(pid: number, dir: string): boolean {
  const words = readIfThere(`/proc/${pid}/cmdline`)?.split("\0");
  return words?.includes(dir) ?? false;
}

export function lengthOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Bytes that were written to the stream and are not in it, by the head of its `.tail`: see agent/native/relay.h. */
export function droppedOf(dir: string, stream: "stdout" | "stderr"): number {
  const path = join(dir, `${stream}.tail`);
  if (!existsSync(path)) return 0;
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(8);
    return readSync(file, head, 0, head.length, 16) === head.length ? Number(head.readBigUInt64LE()) : 0;
  } finally {
    closeSync(file);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
