import type { Logger } from "pino";
import type { ServiceManager } from "./service-manager/service-manager.js";

/** Exit codes that both daemons have; each has more of its own. */
export const daemonExit = { clean: 0, crash: 1 } as const;

/** Our own bug: what is on disk is right, so the quickest way back to a sound state is a new process. Ranks go on meanwhile. */
export function crashLoudly(log: Logger): void {
  const crash = (error: unknown) => {
    log.fatal({ err: error }, "crashed");
    process.exit(daemonExit.crash);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
}

/** On the first SIGTERM or SIGINT; further ones change nothing. */
export function stopOnSignal(log: Logger, manager: ServiceManager, stop: () => Promise<void>): void {
  let stopping = false;
  const begin = (signal: string) => {
    if (stopping) return;
    stopping = true;
    manager.stopping();
    log.info({ signal }, "stopping; ranks go on");
    stop().then(
      () => process.exit(daemonExit.clean),
      (error: unknown) => {
        log.fatal({ err: error }, "could not stop cleanly");
        process.exit(daemonExit.crash);
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => begin(signal));
}

/** On SIGHUP the level of the log is read again; a configuration that can't be read changes nothing. */
export function reloadOnHangUp(log: Logger, manager: ServiceManager, readLevel: () => string): void {
  process.on("SIGHUP", () => {
    manager.reloading();
    try {
      log.level = readLevel();
      log.info({ level: log.level }, "the configuration's log level was read again");
    } catch (error) {
      log.error({ err: error }, "the configuration can't be read; nothing is changed");
    }
    manager.ready("running");
  });
}
