import { admitClean, refuse, shown } from "./fields.js";

/** Any quantity, written as carefully as can be. */
const wordMax = 100;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const defaultWallClock = "P7D";
/** Far beyond any job, near enough to stay an exact number of milliseconds. */
const longestMs = 36_500 * day;

/** ISO 8601 (`P7D`, `PT1H30M`, `P2W`; no months or years, whose lengths differ) or .NET's `[days.]hh:mm:ss`. */
export function admitDuration(path: string, text: string): number {
  admitClean(path, text, wordMax);
  const ms = isoMs(text) ?? dotNetMs(text);
  if (ms === undefined) refuse(path, `"${shown(text)}" is not a duration such as P7D, PT1H30M or 7.00:00:00`);
  if (ms <= 0 || ms > longestMs) refuse(path, `"${shown(text)}" is not between a millisecond and 100 years`);
  return ms;
}

function isoMs(text: string): number | undefined {
  const number = String.raw`(\d+(?:[.,]\d+)?)`;
  const form = new RegExp(
    `^P(?:${number}W)?(?:${number}D)?(?:T(?=\\d)(?:${number}H)?(?:${number}M)?(?:${number}S)?)?$`,
    "i",
  );
  const match = form.exec(text.trim());
  if (!match || text.trim().length < 3) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number((part ?? "0").replace(",", ".")));
  return Math.round(
    (weeks ?? 0) * 7 * day +
      (days ?? 0) * day +
      (hours ?? 0) * hour +
      (minutes ?? 0) * minute +
      (seconds ?? 0) * second,
  );
}

function dotNetMs(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(text.trim());
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? "0"));
  if ((hours ?? 0) > 23 || (minutes ?? 0) > 59 || (seconds ?? 0) >= 60) return undefined;
  return Math.round((days ?? 0) * day + (hours ?? 0) * hour + (minutes ?? 0) * minute + (seconds ?? 0) * second);
}

const units: Record<string, number> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `16g`, `512MiB` or bytes; units are binary, as docker's. Undefined for nothing. */
export function admitMemory(path: string, text: string): number | undefined {
  admitClean(path, text, wordMax);
  if (text.trim() === "") return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match ? Math.floor(Number(match[1]) * (units[(match[2] ?? "").toLowerCase()] ?? 1)) : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    refuse(path, `"${shown(text)}" is not an amount such as 16g, 512m or a number of bytes`);
  }
  return bytes;
}
