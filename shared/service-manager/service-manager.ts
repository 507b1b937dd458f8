import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { systemClock } from "../clock.js";

/** What a daemon tells systemd of itself, in a unit of `Type=notify`; elsewhere nobody is told. See sd_notify(3). */
export interface ServiceManager {
  ready(status: string): void;
  /** Shown by `systemctl status`. */
  status(text: string): void;
  reloading(): void;
  stopping(): void;
}

const nobody: ServiceManager = {
  ready: () => undefined,
  status: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
};

/** Pings come so often within the time after which the manager loses patience. */
const pingsInTime = 3;
const againAfterMs = 1_000;

/**
 * Also begins to ping the manager's watchdog, from the event loop: a loop that stands still is a daemon that does. What the daemon starts gets
 * none of the variables.
 */
export function serviceManager(environment: NodeJS.ProcessEnv, programPath: string, log: Logger): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: limit, WATCHDOG_PID: watched } = environment;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete environment[name];
  if (!socket) return nobody;
  const notify = join(dirname(realpathSync(programPath)), "stoker-notify");
  if (!existsSync(notify)) {
    log.error({ path: notify }, "the program that tells systemd how we are is missing");
    return nobody;
  }
  const teller = new Teller(notify, socket, log);
  const limitMs = Number(limit) / 1_000;
  if (limitMs > 0 && (watched === undefined || Number(watched) === process.pid)) {
    setInterval(() => teller.say("WATCHDOG=1"), limitMs / pingsInTime).unref();
  }
  return {
    ready: (status) => teller.say("READY=1", `STATUS=${line(status)}`),
    status: (text) => teller.say(`STATUS=${line(text)}`),
    reloading: () => teller.say("RELOADING=1", `MONOTONIC_USEC=${Math.round(systemClock.monotonic() * 1_000)}`),
    stopping: () => teller.say("STOPPING=1"),
  };
}

const line = (text: string) => text.replaceAll(/\p{Cc}+/gu, " ");

/** Another takes its place when it was killed: without pings the manager would soon end us. */
class Teller {
  private child: ChildProcess;

  constructor(
    private readonly program: string,
    private readonly socket: string,
    private readonly log: Logger,
  ) {
    this.child = this.begin();
  }

  say(...assignments: string[]): void {
    this.child.stdin?.write(`${assignments.join("\n")}\0`);
  }

  private begin(): ChildProcess {
    const child = spawn(this.program, [], {
      env: { NOTIFY_SOCKET: this.socket },
      stdio: ["pipe", "ignore", "inherit"],
    });
    // What it can no longer be told is told to the next.
    child.stdin.on("error", () => undefined);
    child.once("error", (error) => this.log.error({ err: error }, "systemd can't be told how we are"));
    child.once("exit", (code, signal) => {
      this.log.warn({ code, signal }, "the program that tells systemd how we are has ended; another is started");
      setTimeout(() => {
        this.child = this.begin();
      }, againAfterMs).unref();
    });
    child.unref();
    if ("unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref();
    return child;
  }
}
