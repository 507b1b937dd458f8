import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";

/** `Frozen: m1 since 2026-11-21 12:01: not heard from the coordinator`, or nothing. */
export function frozenLine(
  { frozenSince, frozenReason }: { frozenSince?: Timestamp; frozenReason: string },
  what: string,
): Detail[] {
  if (frozenSince === undefined) return [];
  return [["Frozen", `${what} since ${shortTime(frozenSince)}${frozenReason === "" ? "" : `: ${frozenReason}`}`]];
}
