import type { TierName } from "./machines/host.js";
import type { Lab } from "./machines/lab.js";

export interface Scenario {
  name: string;
  /** One line for `--list`. */
  shows: string;
  tiers: TierName[];
  /** Where it is played when nobody says where; quick when absent. */
  prefers?: "full";
  /** Played when it is named, not with all the others. */
  onRequest?: true;
  machines: number;
  run(stage: Stage): Promise<void>;
}

export interface Figure {
  name: string;
  value: number;
  unit: "ms" | "s" | "";
}

/** What a scenario plays on: a fresh lab, and a way to say what was seen. */
export class Stage {
  readonly figures: Figure[] = [];
  /** How much longer than on quick machines things may take. */
  readonly slowness: number;

  constructor(readonly lab: Lab) {
    this.slowness = lab.tier === "full" ? 8 : 1;
  }

  /** One thing that is shown; what throws is what failed. */
  step = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      const result = await act();
      say(`  ok    ${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
      return result;
    } catch (error) {
      say(`  FAIL  ${what}`);
      throw error;
    }
  };

  measured = (name: string, value: number, unit: Figure["unit"] = "ms"): void => {
    this.figures.push({ name, value, unit });
    say(`  ----  ${name}: ${unit === "ms" ? Math.round(value) : value} ${unit}`.trimEnd());
  };
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
