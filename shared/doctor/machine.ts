import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { connect as http2 } from "node:http2";
import { connect } from "node:net";
import { constants, setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

/** What checks may ask of the machine that they look at; tests answer for one that is ill. */
export interface Machine {
  /** Undefined: there is no such program. A signal, or its time being up, is a code above 128. */
  run(argv: readonly [string, ...string[]], limitMs?: number): Promise<Ran | undefined>;
  /** Undefined: it can't be read. */
  read(path: string): string | undefined;
  /** Names in a folder; none when there is no such folder. */
  list(path: string): string[];
  /** Of the file system that holds the path. */
  room(path: string): Room | undefined;
  /** Addresses of a name; none when it has none. */
  addressesOf(name: string): Promise<string[]>;
  /** What a server of gRPC takes the time to be, to the second, in milliseconds since the epoch; undefined when it does not say. */
  timeAt(host: string, port: number): Promise<number | undefined>;
  /** Undefined: the connection stood. Else why not. */
  reach(host: string, port: number): Promise<string | undefined>;
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Room {
  freeBytes: number;
  totalBytes: number;
  /** 0 of 0 where there is no such limit. */
  freeFiles: number;
  totalFiles: number;
}

const commandMs = 8_000;
const reachMs = 3_000;
const betweenStartsMs = 5;
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

let started: Promise<void> = Promise.resolve();

/**
 * Making a process holds up who makes it, on a slow machine for a second: a dozen in one turn would keep an agent from its heartbeats for as
 * long as it takes to lose its session. So others have a turn between any two of them.
 */
function inTurn(start: () => void): void {
  started = started.then(async () => {
    start();
    await pause(betweenStartsMs);
  });
}

export const thisMachine: Machine = {
  run: ([program, ...words], limitMs = commandMs) =>
    new Promise((resolve) =>
      inTurn(() => {
        const environment = { PATH: systemPath, LC_ALL: "C.UTF-8", HOME: "/root" };
        const options = { timeout: limitMs, killSignal: "SIGKILL", env: environment, maxBuffer: 2 ** 20 } as const;
        const { pid } = execFile(program, words, options, (error, stdout, stderr) => {
          if (error?.code === "ENOENT") resolve(undefined);
          else resolve({ code: typeof error?.code === "number" ? error.code : error ? 137 : 0, stdout, stderr });
        });
        // After the agent's own heartbeats, on a machine that has one core.
        if (pid !== undefined) expected(() => setPriority(pid, constants.priority.PRIORITY_LOW));
      }),
    ),
  read: (path) => expected(() => readFileSync(path, "utf8")),
  list: (path) => expected(() => readdirSync(path)) ?? [],
  room: (path) =>
    expected(() => {
      const { bavail, blocks, bsize, ffree, files } = statfsSync(path);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles: ffree, totalFiles: files };
    }),
  addressesOf: (name) =>
    lookup(name, { all: true }).then(
      (found) => found.map(({ address }) => address),
      () => [],
    ),
  timeAt: async (host, port) =>
    (await dateOf(`https://${at(host, port)}`)) ?? (await dateOf(`http://${at(host, port)}`)),
  reach: (host, port) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, timeout: reachMs });
      const end = (why: string | undefined) => {
        socket.destroy();
        resolve(why);
      };
      socket.once("connect", () => end(undefined));
      socket.once("timeout", () => end(`no answer within ${reachMs / 1_000} s`));
      socket.once("error", (error) => end(error.message));
    }),
};

const at = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/** Nothing is believed of the server but its clock: a machine whose own is wrong can't tell whether certificates are good. */
function dateOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const session = http2(url, { rejectUnauthorized: false });
    const limit = setTimeout(() => end(undefined), reachMs);
    const end = (date: number | undefined) => {
      clearTimeout(limit);
      session.destroy();
      resolve(date !== undefined && Number.isFinite(date) ? date : undefined);
    };
    session.once("error", () => end(undefined));
    const path = "/grpc.health.v1.Health/Check";
    const asked = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    asked.once("error", () => end(undefined));
    asked.once("response", ({ date }) => end(date === undefined ? undefined : Date.parse(date)));
    // An empty message: its length is 0.
    asked.end(Buffer.alloc(5));
  });
}

/** What is not there, or not ours to read, is an answer here. */
function expected<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}
