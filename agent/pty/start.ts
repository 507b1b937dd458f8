export interface Start {
  program: string;
  words: string[];
  environment: Record<string, string>;
}

/** Between being asked to end and being killed. */
export const graceMs = 2_000;

/** To the process group that it leads, which may be gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
