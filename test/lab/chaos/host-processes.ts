import { readdirSync, readFileSync } from "node:fs";

export interface HostProcess {
  pid: number;
  words: string[];
}

/** Those that live, with their command lines. */
export function allProcesses(): HostProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), words: readOr(`/proc/${name}/cmdline`).split("\0").slice(0, -1) }))
    .filter(({ words }) => words.length > 0);
}

export const shimsUnder = (spool: string): number[] =>
  allProcesses()
    .filter(({ words }) => words[1] === "run" && words.some((word) => word.startsWith(`${spool}/`)))
    .map(({ pid }) => pid);

export const watchdogsOf = (data: string): number[] =>
  allProcesses()
    .filter(({ words }) => words[1] === "watch" && words.includes(data))
    .map(({ pid }) => pid);

export const natsServersUnder = (folder: string): number[] =>
  allProcesses()
    .filter(({ words }) => words[1] === "-c" && words[2]?.startsWith(`${folder}/`))
    .map(({ pid }) => pid);

/** Of any attempt whose agent keeps its data under the folder: by what every process of an attempt has in its environment. */
export function attemptProcessesUnder(folder: string): HostProcess[] {
  return allProcesses().filter(({ pid }) => {
    const environment = readOr(`/proc/${pid}/environ`).split("\0");
    const ours = environment.some(
      (entry) => entry.startsWith("AZ_BATCHAI_JOB_TEMP_DIR=") && entry.includes(`=${folder}/`),
    );
    return ours && environment.some((entry) => entry.startsWith("STOKER_LEASE="));
  });
}

export function mountsUnder(folder: string): string[] {
  return readOr("/proc/self/mounts")
    .split("\n")
    .flatMap((line) => line.split(" ")[1] ?? [])
    .filter((path) => path.startsWith(`${folder}/`));
}

/** False when it has ended. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Of a process that has just ended, nothing. */
function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
