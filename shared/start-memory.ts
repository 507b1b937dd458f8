import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** By then the first connections stand. */
const settledMs = 3_000;

/**
 * Gives back what the start alone has taken: the program's text, what was compiled of it, the first handshakes. V8 collects when more is asked
 * for, which a daemon that waits for work does not do for hours; and a node's memory is its jobs'. The room for fresh objects stays as large as it
 * is by then: each collection that finds many alive, as this one does, would double it.
 */
export function giveBackStart(afterMs = settledMs): void {
  setTimeout(() => {
    // Contexts that are made in between have the function.
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    setFlagsFromString("--no-expose-gc");
    setFlagsFromString("--semi-space-growth-factor=1");
    collect();
  }, afterMs).unref();
}
