/** The event loop must never stand still for longer. */
const loopLimitMs = 50;
/** A machine of tests shares its cores and caches, and collects garbage when it likes. What these tests look for takes seconds. */
const generosity = 5;

/** Does `work` and gives its result; throws when this process was at work on it for far longer than the event loop may be kept. */
export function atWork<T>(what: string, work: () => T): T {
  const limitMs = loopLimitMs * generosity;
  // Processor time, not the clock's: another process may have the core meanwhile.
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  if (ms > limitMs) throw new Error(`${what} kept the event loop for ${Math.round(ms)} ms`);
  return result;
}
