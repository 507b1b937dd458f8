import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { isoTime } from "./plain.js";

/** A time in a table: UTC, to the second. */
export const shortTime = (time: Timestamp | undefined) =>
  time
    ? isoTime(time)
        .replace("T", " ")
        .replace(/(\.\d+)?Z$/, "Z")
    : "";

/** Bytes as people say them. */
export function gibibytes(bytes: bigint): string {
  return bytes === 0n ? "" : `${(Number(bytes) / 2 ** 30).toFixed(bytes < 2n ** 34n ? 1 : 0)} GiB`;
}
