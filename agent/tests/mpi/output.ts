import { z } from "zod";

export interface MeasuredPair {
  from: string;
  to: string;
  latencyUs: number;
  latencyP99Us: number;
  /** By the size of a message, ascending. */
  MBps: Record<string, number>;
}

export interface PingPongSaid {
  pairs: MeasuredPair[];
  /** Begun, and never told of again. */
  unfinished: { from: string; to: string } | undefined;
  /** Why a rank could not take part. */
  refusal: string | undefined;
}

const begun = z.object({ from: z.string().max(255), to: z.string().max(255) });
const measured = begun.extend({
  latencyUs: z.number().nonnegative(),
  latencyP99Us: z.number().nonnegative(),
  MBps: z.record(z.string().max(20), z.number().nonnegative()),
});
const refused = z.object({ outcome: z.literal("skipped"), message: z.string() });

/** The lines that the first rank prints: each pair when it begins, and again with its numbers. */
export function pingPongSaid(output: string): PingPongSaid {
  const said: PingPongSaid = { pairs: [], unfinished: undefined, refusal: undefined };
  for (const line of output.split("\n")) {
    const value = parsed(line);
    const pair = measured.safeParse(value);
    const start = begun.safeParse(value);
    const refusal = refused.safeParse(value);
    if (pair.success) said.pairs.push(pair.data);
    if (pair.success) said.unfinished = undefined;
    else if (start.success) said.unfinished = start.data;
    if (refusal.success) said.refusal ??= refusal.data.message;
  }
  return said;
}

/** A rank's own words, or a launcher's, between ours. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
