import type { Machine, Ran, Room } from "../../shared/doctor/machine.js";

/** A machine as a test describes it; what it says nothing about is not there. */
export interface Described {
  /** By the command line, words joined by blanks; the longest beginning that fits. */
  programs?: Record<string, Partial<Ran> | string>;
  files?: Record<string, string>;
  room?: Partial<Room>;
  names?: Record<string, string>;
  /** Of its clock, before every other's. */
  aheadMs?: number;
  /** `host:port` → why it can't be reached; others can. */
  unreachable?: Record<string, string>;
}

export function describedMachine({
  programs = {},
  files = {},
  room,
  names = {},
  unreachable = {},
  aheadMs = 0,
}: Described): Machine {
  return {
    async run(argv) {
      const line = argv.join(" ");
      const known = Object.keys(programs)
        .filter((begin) => line === begin || line.startsWith(`${begin} `))
        .sort((a, b) => b.length - a.length)[0];
      const said = known === undefined ? undefined : programs[known];
      if (said === undefined) return undefined;
      return { code: 0, stdout: "", stderr: "", ...(typeof said === "string" ? { stdout: said } : said) };
    },
    read: (path) => files[path],
    list: (path) => [
      ...new Set(
        Object.keys(files)
          .filter((file) => file.startsWith(`${path}/`))
          .map((file) => file.slice(path.length + 1).split("/")[0] ?? ""),
      ),
    ],
    room: () => ({ freeBytes: 2 ** 40, totalBytes: 2 ** 41, freeFiles: 10 ** 6, totalFiles: 10 ** 7, ...room }),
    addressesOf: async (name) => (names[name] === undefined ? [] : [names[name]]),
    timeAt: async () => Date.now() - aheadMs,
    reach: async (host, port) => unreachable[`${host}:${port}`],
  };
}
