import { Fault } from "../../../shared/fault.js";
import { cut } from "../cut.js";

/** Single fields of specs. Each error names the field's path. */

export function refuse(path: string, message: string): never {
  throw new Fault("invalid-argument", `${path}: ${message}`);
}

/** Of something that is right but that this release can't do. */
export function unsupported(path: string, message: string): never {
  throw new Fault("failed-precondition", `${path}: ${message}`);
}

export function admitName(path: string, name: string): string {
  if (!/^[-\w]{1,64}$/.test(name)) {
    refuse(path, `"${shown(name)}" is not a name: 1 to 64 letters, digits, "-" and "_"`);
  }
  return name;
}

export function admitCount(path: string, count: number, minimum: number, maximum: number): number {
  if (!Number.isInteger(count) || count < minimum || count > maximum) {
    refuse(path, `${count} is not between ${minimum} and ${maximum}`);
  }
  return count;
}

/** One of `words`, in whatever letter case; the first when nothing is given. */
export function admitWord<W extends string>(path: string, given: string, words: readonly [W, ...W[]]): W {
  if (given === "") return words[0];
  const found = words.find((known) => known.toLowerCase() === given.toLowerCase());
  return found ?? refuse(path, `"${shown(given)}" is none of ${words.join(", ")}`);
}

export function admitText(path: string, given: string): string {
  if (given.trim() === "") refuse(path, "is required");
  return admitClean(path, given);
}

/** Linux takes no longer word (128 KiB), and what runs has ours and the quotes of launchers around it. */
export const textMax = 96 * 1024;
/** Nor a longer path. */
export const pathMax = 4_096;

/** May be empty, but can be handed to a process. */
export function admitClean(path: string, given: string, most = textMax): string {
  if (given.length > most || (given.length > most / 3 && utf8Length(given) > most)) {
    refuse(path, `is longer than ${most} bytes, the most that is taken here`);
  }
  if (given.includes("\0")) refuse(path, "holds a NUL character");
  return given;
}

export function admitPathText(path: string, given: string): string {
  if (given.trim() === "") refuse(path, "is required");
  return admitClean(path, given, pathMax);
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Of a pair each half counts two.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

export function admitVariableName(path: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) {
    refuse(path, `"${shown(name)}" is not the name of an environment variable`);
  }
  if (/^STOKER_(LEASE|SOCKET|RSH|HOSTS|LOG_LIMIT_BYTES|LEAVE_OFFSPRING)$/.test(name))
    refuse(path, `${name} is set by Stoker itself`);
  return name;
}

/** Ends up in a variable's name: AZ_BATCHAI_INPUT_<id>. */
export function admitDirectoryId(path: string, id: string): string {
  if (!/^\w{1,64}$/.test(id)) refuse(path, `"${shown(id)}" is not an id: 1 to 64 letters, digits and "_"`);
  return id;
}

export function admitUnique<T>(path: string, items: readonly T[], keyOf: (item: T) => string): void {
  const seen = new Set<string>();
  items.forEach((item, at) => {
    const key = keyOf(item);
    if (seen.has(key)) refuse(`${path}[${at}]`, `"${shown(key)}" is given twice`);
    seen.add(key);
  });
}

export const shown = (text: string, most = 80) => (text.length > most ? `${cut(text, most - 3)}...` : text);
