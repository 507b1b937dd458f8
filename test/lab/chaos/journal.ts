import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Mark {
  what: string;
  /** Both in milliseconds. */
  bootMs: number;
  wallMs: number;
  stdoutBytes: number;
}

/** What one process wrote. */
export interface Journal {
  job: string;
  attempt: number;
  node: string;
  rank: number;
  pid: number;
  marks: Mark[];
}

/** Of all jobs and attempts, but where one is named: only its files are read, which grow for as long as it runs. */
export function readJournals(folder: string, of: { job?: string; attempt?: number } = {}): Journal[] {
  return readdirSync(folder)
    .filter((name) => {
      const { job, attempt } = parseJournal(name, "");
      return (of.job ?? job) === job && (of.attempt ?? attempt) === attempt;
    })
    .map((name) => parseJournal(name, readFileSync(join(folder, name), "utf8")));
}

export function parseJournal(name: string, text: string): Journal {
  const [job = "", attempt, node = "", rank, pid] = name.split(".");
  // A power cut may have left the last line in pieces.
  const lines = text.split("\n").slice(0, -1);
  return { job, attempt: Number(attempt), node, rank: Number(rank), pid: Number(pid), marks: lines.map(parseMark) };
}

function parseMark(line: string): Mark {
  const [what = "", boot, wall, bytes] = line.split(" ");
  return { what, bootMs: Number(boot) / 1000, wallMs: Number(wall) / 1000, stdoutBytes: Number(bytes) };
}
