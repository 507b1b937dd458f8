import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { configFile, pidFile } from "./config-file.js";

/**
 * A nats-server of this data folder whose coordinator was killed. It is ended, not adopted: a child of ours is watched without polling,
 * and clients reconnect to the same port within a moment.
 */
export async function endLeftover(dir: string, deadlineMs = 5_000): Promise<boolean> {
  const pid = leftoverPid(dir);
  if (pid === undefined) return false;
  signal(pid, "SIGTERM");
  const started = performance.now();
  let killed = false;
  while (isOurs(pid, dir)) {
    if (!killed && performance.now() - started > deadlineMs) {
      signal(pid, "SIGKILL");
      killed = true;
    }
    await sleep(10);
  }
  return true;
}

function leftoverPid(dir: string): number | undefined {
  if (!existsSync(pidFile(dir))) return undefined;
  const pid = Number(readFileSync(pidFile(dir), "utf8").trim());
  return Number.isInteger(pid) && pid > 1 && isOurs(pid, dir) ? pid : undefined;
}

/** The pid may belong to somebody else by now: only a process that was started with our configuration file is ours. */
function isOurs(pid: number, dir: string): boolean {
  const words = readProc(`/proc/${pid}/cmdline`).split("\0");
  const state = /^State:\s+(\S)/m.exec(readProc(`/proc/${pid}/status`))?.[1];
  return state !== "Z" && words.includes(configFile(dir));
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const isGone = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
