/** Every transition of the state machines that can be taken: a long run must take each at least once. */
export const transitions: readonly string[] = [];

export const missingFrom = (taken: ReadonlyMap<string, number>): string[] =>
  transitions.filter((transition) => !taken.has(transition));
