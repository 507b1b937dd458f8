import { Fault } from "../../../shared/fault.js";
import type { NodeRelay } from "../ports.js";

export async function firstOf<T>(requests: AsyncIterator<T>): Promise<T> {
  const first = await requests.next();
  if (first.done) throw new Fault("invalid-argument", "the call ended before its first message");
  return first.value;
}

/** Resolves when the user has said all; whoever breaks off in the middle closes the relay. */
export function passOn<T>(
  requests: AsyncIterator<T>,
  relay: NodeRelay,
  toAgent: (request: T) => Promise<void>,
): Promise<void> {
  const pass = async () => {
    for (let next = await requests.next(); !next.done; next = await requests.next()) await toAgent(next.value);
    await relay.send({ case: "inputEnd", value: {} });
  };
  return pass().catch(() => relay.close());
}
