import type { Outcome } from "./simulate.js";

/** Which law was broken, how to see it again, and the last things that happened. */
export function failureOf({ seed, kind, breaches, story }: Outcome): string {
  return [
    `seed ${seed} breaks a law; \`npm run simulate -- --seed ${seed} --plan ${kind}\` plays it again`,
    ...breaches.map(({ law, at, what }) => `${seconds(at)} ${law}: ${what}`),
    "the last events:",
    ...story.map(lineOf),
  ].join("\n");
}

export const lineOf = ({ at, who, what }: Outcome["story"][number]) => `${seconds(at)} ${who.padEnd(12)} ${what}`;

const seconds = (ms: number) => `${(ms / 1000).toFixed(3).padStart(10)} s`;
