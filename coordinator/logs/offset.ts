/** The position that a log message's header names; undefined when it is none that a file can have. */
export function offsetOf(header: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(header ?? "") ? Number(header) : undefined;
}
