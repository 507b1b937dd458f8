import { readdirSync, readFileSync } from "node:fs";

/**
 * A power cut as far as processes go: the agent, and every process of its leases (they name its folder in their environment),
 * end without a word. The agent first, so that it reports nothing.
 */
export function killTree(agentPid: number): void {
  const socket = `STOKER_SOCKET=${socketOf(agentPid)}`;
  process.kill(agentPid, "SIGKILL");
  for (let found = true; found; ) {
    found = false;
    for (const entry of readdirSync("/proc")) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      if (!environmentOf(pid).includes(socket)) continue;
      found = kill(pid) || found;
    }
  }
}

/** The agent's own children carry its socket's path; one of them tells it. */
function socketOf(agentPid: number): string {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || parentOf(Number(entry)) !== agentPid) continue;
    const named = environmentOf(Number(entry)).find((variable) => variable.startsWith("STOKER_SOCKET="));
    if (named) return named.slice("STOKER_SOCKET=".length);
  }
  throw new Error(`process ${agentPid} runs no rank`);
}

const read = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
};
const environmentOf = (pid: number) => read(`/proc/${pid}/environ`).split("\0");
const parentOf = (pid: number) => Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);

function kill(pid: number): boolean {
  if (/^State:\s*Z/m.test(read(`/proc/${pid}/status`))) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
