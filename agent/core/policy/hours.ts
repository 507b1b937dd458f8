import type { Hours } from "./policy.js";

const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const shape = /^(?:([a-z,\s-]+)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$/;

/** `mon-fri 19:00-07:00`, `sat,sun 00:00-24:00`, `20:00-06:00`; undefined for a text that is none. */
export function readHours(text: string): Hours | undefined {
  const [, days = "", fromHour, fromMinute, toHour, toMinute] = shape.exec(text.trim().toLowerCase()) ?? [];
  const from = minutes(fromHour, fromMinute);
  const to = minutes(toHour, toMinute);
  const read = readDays(days);
  if (from === undefined || to === undefined || from === to || from === 24 * 60 || !read) return undefined;
  return { days: read, from, to };
}

function minutes(hour: string | undefined, minute: string | undefined): number | undefined {
  const all = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && all <= 24 * 60 ? all : undefined;
}

function readDays(text: string): number[] | undefined {
  if (text.trim() === "") return [0, 1, 2, 3, 4, 5, 6];
  const found: number[] = [];
  for (const part of text.split(",")) {
    const [first = "", last = first, ...more] = part.split("-").map((word) => word.trim());
    const from = names.indexOf(first);
    const to = names.indexOf(last);
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      found.push(day);
      if (day === to) break;
    }
  }
  return found;
}
