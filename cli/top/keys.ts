import type { Frame, Looking } from "./frame.js";

const sequence = "\u001b[";

/** What a key does: ends it, or looks elsewhere. Undefined: nothing. */
export function pressed(key: string, now: Looking, shown: Omit<Frame, "lines">): "end" | Looking | undefined {
  const move = (by: number): Looking => ({ ...now, from: Math.max(0, shown.from + by) });
  const { page } = shown;
  switch (key) {
    case "q":
    case "Q":
    case "\u0003":
    case "\u0004":
      return "end";
    case `${sequence}A`:
    case "\u001bOA":
    case "k":
      return move(-1);
    case `${sequence}B`:
    case "\u001bOB":
    case "j":
      return move(1);
    case `${sequence}5~`:
    case "b":
      return move(-page);
    case `${sequence}6~`:
    case " ":
      return move(page);
    case "g":
    case `${sequence}H`:
      return { ...now, from: 0 };
    case "G":
    case `${sequence}F`:
      return { ...now, from: Number.MAX_SAFE_INTEGER };
    case "d":
      return { from: 0, short: !shown.short };
    default:
      return undefined;
  }
}

const lead = String.fromCharCode(27);
const oneKey = new RegExp(`${lead}(?:\\[[\\d;]*[A-Za-z~]|O[A-Z])|[\\s\\S]`, "g");

/** A terminal may send several at once. */
export const keysIn = (text: string): string[] => text.match(oneKey) ?? [];
