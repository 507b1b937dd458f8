import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Reclaim } from "../core/policy/policy.js";

export interface SignPlaces {
  /** logind's: a file for each session. */
  sessions: string;
  proc: string;
}

export const machineSigns: SignPlaces = { sessions: "/run/systemd/sessions", proc: "/proc" };

/** People's accounts begin here; what runs below is the machine's own. */
const lowestUid = 1000;
const nobody = 65_534;

/** Who needs the machine at this moment, in words. */
export function signsOf(reclaim: Reclaim, places: SignPlaces = machineSigns): string[] {
  const seen: string[] = [];
  if (reclaim.seat || reclaim.ssh) seen.push(...sessions(reclaim, places.sessions));
  if (reclaim.gpuClients) seen.push(...gpuClients(places.proc));
  return seen;
}

function sessions({ seat, ssh }: Reclaim, folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => !name.endsWith(".ref")) : [];
  return files.flatMap((name) => {
    const text = readIfThere(join(folder, name)) ?? "";
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
    const isPersons = value("CLASS") === "user" && value("STATE") !== "closing" && Number(value("UID")) >= lowestUid;
    if (!isPersons) return [];
    if (seat && value("SEAT") !== "") return [`${value("USER")} sits at it`];
    if (ssh && value("REMOTE") === "1") return [`${value("USER")} is logged in`];
    return [];
  });
}

/** People's processes that have a GPU open and are no job's. */
function gpuClients(proc: string): string[] {
  return readdirSync(proc).flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const folder = join(proc, pid);
    try {
      const { uid } = statSync(folder);
      // What a job has open is not looked through: it may be a million files.
      if (uid < lowestUid || uid === nobody || isJobs(folder) || !hasGpu(join(folder, "fd"))) return [];
      return [`process ${pid} (${(readIfThere(join(folder, "comm")) ?? "").trim()}) uses a GPU`];
    } catch (error) {
      // It has ended meanwhile.
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return [];
      throw error;
    }
  });
}

const hasGpu = (folder: string) =>
  readdirSync(folder).some((name) => /^\/dev\/nvidia\d+$/.test(targetOf(join(folder, name)) ?? ""));

/** A program that opens and closes files all the time has always just closed one of those that it had. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

const isJobs = (folder: string) =>
  /(?:^|\0)STOKER_LEASE=/.test(readIfThere(join(folder, "environ")) ?? "") ||
  /\/stoker-[^/\n]+/m.test(readIfThere(join(folder, "cgroup")) ?? "");

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
