import { processWorld } from "./process-world.js";
import { run } from "./program.js";

run(process.argv.slice(2), processWorld()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `stoker: this is a mistake in stoker itself: ${error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = 1;
  },
);
