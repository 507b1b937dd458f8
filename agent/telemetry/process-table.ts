import { readFileSync } from "node:fs";

/** What /proc tells of a process; every call throws when the process has ended, or may not be looked at. */
export interface ProcessTable {
  /** As it was when its program was started: `NAME=value`, each with a zero behind it. */
  environmentOf(pid: number): string;
  /** Its parent, and the number of its account. */
  statusOf(pid: number): { parent: number; uid: number };
}

export const processTable: ProcessTable = {
  environmentOf: (pid) => readFileSync(`/proc/${pid}/environ`, "latin1"),
  statusOf(pid) {
    const text = readFileSync(`/proc/${pid}/status`, "latin1");
    const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
    return { parent: number("PPid"), uid: number("Uid") };
  },
};

/** Whose a process is. */
export interface Belonging {
  /** Undefined: no job's. */
  leaseId?: string;
  /** What its launcher calls it, as far as there is one. */
  rank?: number;
}

/** No launcher stands so deep. */
const ancestorsMax = 64;
/** Of the process itself first: a launcher's own variables are handed on to what it starts. */
const rankNames = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "AZ_BATCHAI_TASK_INDEX", "RANK"];

/**
 * By its environment, or that of the nearest ancestor which says so: programs may clear theirs. Undefined when it has ended meanwhile, or is
 * not ours to look at.
 */
export function belongingOf(pid: number, table: ProcessTable): Belonging | undefined {
  let rank: number | undefined;
  for (let each = pid, depth = 0; each > 1 && depth < ancestorsMax; depth++) {
    const seen = lookAt(each, table);
    if (!seen) return each === pid ? undefined : {};
    const { variables, parent } = seen;
    const named = rankNames.map((name) => variables.get(name)).find((value) => /^\d{1,9}$/.test(value ?? ""));
    rank ??= named === undefined ? undefined : Number(named);
    const leaseId = variables.get("STOKER_LEASE");
    if (leaseId !== undefined) return { leaseId, ...(rank === undefined ? {} : { rank }) };
    each = parent;
  }
  return {};
}

function lookAt(pid: number, table: ProcessTable) {
  try {
    return { variables: variablesIn(table.environmentOf(pid)), parent: table.statusOf(pid).parent };
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

function variablesIn(environment: string): ReadonlyMap<string, string> {
  const wanted = new Set([...rankNames, "STOKER_LEASE"]);
  return new Map(
    environment.split("\0").flatMap((entry) => {
      const at = entry.indexOf("=");
      const name = entry.slice(0, Math.max(0, at));
      return wanted.has(name) ? [[name, entry.slice(at + 1)] as const] : [];
    }),
  );
}
