export type Verdict = "ok" | "warn" | "fail";

/** What one look at a machine found: one sentence, and the command that mends it. */
export interface Finding {
  verdict: Verdict;
  sentence: string;
  remedy?: string;
}

/** One thing to look at. Undefined: there is no such thing here. */
export interface Check<World> {
  name: string;
  look(world: World): Promise<Finding | readonly Finding[] | undefined>;
}

export type Told = Finding & { check: string };

export const ok = (sentence: string): Finding => ({ verdict: "ok", sentence });
export const warn = (sentence: string, remedy: string): Finding => ({ verdict: "warn", sentence, remedy });
export const fail = (sentence: string, remedy: string): Finding => ({ verdict: "fail", sentence, remedy });
