import { usage } from "./failure.js";

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `30m`, `12h` or `90d` in milliseconds. */
export function lifeMs(text: string, option: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? [];
  const life = Number(amount) * (units[unit] ?? Number.NaN);
  if (!(life > 0)) throw usage(`${option}: expected a time such as 30m, 12h or 90d, found "${text}"`);
  return life;
}

/** A time of day, or how long ago. */
export function timeMs(text: string, option: string): number {
  if (/^\d{1,6}[smhd]$/.test(text.trim())) return Date.now() - lifeMs(text, option);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw usage(`${option}: expected a time such as 2026-07-01T08:00 or 2h, found "${text}"`);
  return at;
}
