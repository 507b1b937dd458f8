import { z } from "zod";
import type { LeaseId } from "../../shared/ids.js";
import { parseLeaseId } from "../../shared/ids.js";

/** What `stoker-shim rsh` and its agent say to each other: see agent/native/rsh.c. */
export interface LaunchWords {
  request: string;
  lease: LeaseId;
  target: string;
  command: string;
  /** Shows that it is a process of the lease. */
  pass: string;
  stdoutOffset: number;
  stderrOffset: number;
}

/** What `sh -c` takes on the other node: Linux's MAX_ARG_STRLEN. */
const commandMaxBytes = 128 * 1024 - 1;
/** The shim's first line, at most: each byte of the command takes up to six. */
export const lineMaxBytes = 1024 * 1024;

export const requestIdPattern = /^[0-9a-f]{32}$/;

const offset = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const shape = z.object({
  request: z.string().regex(requestIdPattern),
  lease: z.string(),
  target: z.string().min(1).max(255),
  command: z
    .string()
    .min(1)
    .refine((text) => !text.includes("\0") && Buffer.byteLength(text) <= commandMaxBytes),
  // Shims of earlier releases say none.
  pass: z.string().max(200).default(""),
  stdoutOffset: offset,
  stderrOffset: offset,
});

/** The request in a line, or in words what is wrong with it: a job's process can send anything. */
export function readLaunchLine(line: string): LaunchWords | string {
  // A million brackets within one another take the parser longer than heartbeats may wait.
  if (!isFlat(line)) return "not a request: it is no object of plain values";
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    return `not a request: ${error instanceof Error ? error.message : String(error)}`;
  }
  const read = shape.safeParse(parsed);
  if (!read.success) return `not a request: ${read.error.issues.map(({ path }) => path.join(".")).join(", ")}`;
  const id = parseLeaseId(read.data.lease);
  return id ? { ...read.data, lease: id.lease } : "not a request: lease";
}

/** No list or object within the outermost. */
function isFlat(json: string): boolean {
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const letter = json[at];
    if (letter === "\\") at++;
    else if (letter === '"') quoted = !quoted;
    else if (!quoted && (letter === "[" || (letter === "{" && at > 0))) return false;
  }
  return true;
}

/** o, e: output; m: words for people; x: the exit code, and the end. */
export function frame(kind: "o" | "e" | "m" | "x", payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(5);
  header.write(kind);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}
