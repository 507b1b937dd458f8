/**
 * Texts of nvidia-smi as values. Anything that is not plainly a number of the expected unit is undefined: `N/A`, `[Not Supported]`,
 * `Requested functionality has been deprecated`, `ERR!`, any error string of the driver. Missing is never zero: a lost GPU that looked idle
 * would be given jobs.
 */
const number = /^([+-]?\d+(?:\.\d+)?)\s*([^\d\s].*)?$/;

/** `units`: those that count as one; a bare number always does. */
export function numberOf(text: string | undefined, ...units: readonly string[]): number | undefined {
  const [, digits, unit = ""] = number.exec(text?.trim() ?? "") ?? [];
  if (digits === undefined || (unit !== "" && !units.includes(unit))) return undefined;
  return Number(digits);
}

export function numberWithin(
  text: string | undefined,
  unit: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const value = numberOf(text, unit);
  return value === undefined || value < minimum || value > maximum ? undefined : value;
}

const mebibyte = 1024 * 1024;
/** Broken cards have told more than any card has. */
const memoryMostBytes = 1024 * 1024 * mebibyte;

/** Old drivers say MB and mean the same. */
export function bytesOf(text: string | undefined): number | undefined {
  const mebibytes = numberOf(text, "MiB", "MB");
  if (mebibytes === undefined || mebibytes < 0) return undefined;
  const bytes = Math.round(mebibytes * mebibyte);
  return bytes > memoryMostBytes ? undefined : bytes;
}

export function yesNo(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case "yes":
    case "enabled":
    case "active":
      return true;
    case "no":
    case "disabled":
    case "not active":
      return false;
    default:
      return undefined;
  }
}

const absent =
  /^(?:|-|\[?N\/A\]?|None|\[?Not Supported\]?|Not Found|\[Not Found\]|Requested functionality has been deprecated)$/i;
const failing =
  /^\[?(?:GPU is lost|GPU requires reset|Unknown Error|ERR!|Insufficient Permissions|Unknown|Timeout|Insufficient Size)\]?$/i;

/** A word as it stands, unless it stands for there being none. */
export function wordOf(text: string | undefined): string | undefined {
  const word = text?.trim() ?? "";
  return absent.test(word) || failing.test(word) ? undefined : word;
}

/** Any error text of the driver may stand in its place. */
export function uuidOf(text: string | undefined): string | undefined {
  const word = wordOf(text);
  return word !== undefined && /^(?:GPU|MIG)-\S+$/.test(word) ? word : undefined;
}
