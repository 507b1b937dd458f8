import { assert } from "../../shared/assert.js";

/** What a ring's file says of itself at its start. */
export interface Header {
  columns: readonly string[];
  everyMs: number;
  slots: number;
  /** Beside the mean of each column there is the most. */
  mosts?: true;
}

/** A sample: when it was taken, and values for each column; NaN is none. */
export interface Row {
  at: number;
  means: Float32Array;
  /** The means where no others are kept. */
  mosts: Float32Array;
}

export const headerBytes = 16 * 1024;
export const timeBytes = 8;
export const valueBytes = 4;

export function rowText(header: Header): string {
  const text = JSON.stringify(header);
  assert(Buffer.byteLength(text) <= headerBytes, "a history has more columns than its file can name");
  return text;
}

export const rowBytes = ({ columns, mosts }: Header): number =>
  timeBytes + columns.length * valueBytes * (mosts ? 2 : 1);

export function rowIn(bytes: Buffer, place: number, { columns, mosts }: Header): Row {
  const values = (from: number) =>
    Float32Array.from(columns, (_, column) => bytes.readFloatLE(place + timeBytes + (from + column) * valueBytes));
  const means = values(0);
  return { at: bytes.readDoubleLE(place), means, mosts: mosts ? values(columns.length) : means };
}

/** Undefined of a file that is none of ours, or was spoiled. */
export function readHeader(text: string): Header | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return isHeader(read) ? read : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

const isHeader = (read: unknown): read is Header =>
  typeof read === "object" &&
  read !== null &&
  "columns" in read &&
  Array.isArray(read.columns) &&
  read.columns.every((name) => typeof name === "string") &&
  "everyMs" in read &&
  typeof read.everyMs === "number";
