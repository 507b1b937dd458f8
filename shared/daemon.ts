import type { Logger } from "pino";

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
export function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const begin = (signal: string) => {
    if (stopping) return;
    stopping = true;
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
