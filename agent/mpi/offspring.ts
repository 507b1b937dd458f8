import { readdirSync, readFileSync } from "node:fs";
import type { RemoteRank } from "../core/diagnosis/remote.js";

const depthMax = 12;
const processesMax = 4_096;

/** Of MPI's launchers, and of Slurm's own. */
const rankVariables = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"] as const;

/**
 * What the processes that launchers asked for have started, and which rank each is. It has to be known before one dies: the kernel names the
 * dead by their numbers alone.
 */
export class Offspring {
  private readonly known = new Map<number, RemoteRank>();

  get ranks(): RemoteRank[] {
    return [...this.known.values()];
  }

  /** `root`: the process, with all below it. */
  look(root: number): void {
    this.walk(root, depthMax);
  }

  private walk(pid: number, depth: number): void {
    if (this.known.size >= processesMax) return;
    this.learn(pid);
    if (depth === 0) return;
    for (const child of childrenOf(pid, this.known.get(pid)?.rank !== undefined)) this.walk(child, depth - 1);
  }

  /** A shell becomes the program that it executes, and takes its rank's variables along: a name is read anew until there is a rank. */
  private learn(pid: number): void {
    if (this.known.get(pid)?.rank !== undefined) return;
    const name = contentOf(`/proc/${pid}/comm`)?.trim();
    if (name === undefined) return;
    const rank = rankOf(contentOf(`/proc/${pid}/environ`) ?? "");
    this.known.set(pid, rank === undefined ? { pid, name } : { pid, name, rank });
  }
}

/** Linux tells them by the thread that started them: of Open MPI 5's daemon that is not the first. Ranks may have hundreds of threads. */
function childrenOf(pid: number, isRank: boolean): number[] {
  const threads = isRank ? [String(pid)] : threadsOf(pid);
  return threads.flatMap((thread) => {
    const text = contentOf(`/proc/${pid}/task/${thread}/children`) ?? "";
    return text.split(" ").filter(Boolean).map(Number);
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // It is gone.
    return [];
  }
}

export function rankOf(environ: string): number | undefined {
  const variables = environ.split("\0");
  for (const name of rankVariables) {
    const found = variables.find((variable) => variable.startsWith(`${name}=`));
    const value = found?.slice(name.length + 1);
    if (value !== undefined && /^\d{1,9}$/.test(value)) return Number(value);
  }
  return undefined;
}

/** Undefined of one that is gone, or that we may not look into. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
