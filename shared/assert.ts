/** Our own bug: crashes the step, and by default the daemon. Never used on what came over a network or from a file. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** For the default branch of a switch over a union: a new member fails to compile here. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unexpected ${JSON.stringify(value)}`);
}

export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}
