/** One record of /dev/kmsg. */
export interface KernelRecord {
  /** Counts up from 0 at boot. */
  sequence: number;
  /** Since boot, on the kernel's own clock. */
  atUs: number;
  text: string;
}

/**
 * `<priority and facility>,<sequence>,<microseconds>,<flags>[,more];<text>`, and below it lines that begin with a blank and tell of the device;
 * see Documentation/ABI/testing/dev-kmsg of the kernel.
 */
export function readRecord(record: string): KernelRecord | undefined {
  const match = /^\d+,(\d+),(\d+),[^;]*;([^\n]*)/.exec(record);
  if (!match) return undefined;
  const [, sequence, atUs, text = ""] = match;
  return { sequence: Number(sequence), atUs: Number(atUs), text: unescaped(text) };
}

/** What is not printable is written as \xHH. */
const unescaped = (text: string) =>
  text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
