import { readFileSync, rmSync } from "node:fs";
import { Fault } from "../shared/fault.js";
import { writeWhole } from "../shared/whole-file.js";
import type { Obeyed } from "./core/obedience.js";

/** On disk before it is acted upon: an agent that forgot would go back to a coordinator that another has replaced. */
export class ObeyedFile {
  constructor(private readonly path: string) {}

  /** Read anew each time, so that `--accept-coordinator` needs no restart. */
  read(): Obeyed {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
      throw error;
    }
    const lives = parse(text);
    if (!lives) {
      throw new Fault(
        "failed-precondition",
        `${this.path} is damaged: which coordinator this node obeyed is not known; say \`stoker-agent --accept-coordinator\` to obey the next that answers`,
      );
    }
    return lives;
  }

  write(obeyed: Obeyed): void {
    writeWhole(this.path, `${JSON.stringify(obeyed)}\n`);
  }

  forget(): void {
    rmSync(this.path, { force: true });
  }
}

function parse(text: string): Obeyed | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(found)) return undefined;
  const lives = found.filter(
    (each) => typeof each?.catalog === "string" && typeof each.life === "string" && Number.isSafeInteger(each.epoch),
  ) as Obeyed[number][];
  return lives.length === found.length ? lives : undefined;
}
