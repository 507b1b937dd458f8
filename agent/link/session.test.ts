import pino from "pino";
import { expect, test, vi } from "vitest";
import type { SessionMessage } from "../ports.js";
import type { LinkHost } from "./link.js";
import { Session } from "./session.js";

const log = pino({ level: "silent" });
const report = (sequence: bigint): SessionMessage => ({ case: "report", value: { leaseId: "l.1", sequence } });

/** What a session says, one list for each turn of the event loop. */
function session() {
  const turns: unknown[][] = [];
  let fresh = true;
  const stream = {
    responses: (async function* () {
      await new Promise(() => undefined);
    })(),
    push: ({ message }: { message?: SessionMessage }) => {
      if (fresh) turns.push([]);
      if (fresh) setImmediate(() => (fresh = true));
      fresh = false;
      turns.at(-1)?.push(message?.case === "report" ? message.value.sequence : message?.case);
      return true;
    },
    drain: async () => undefined,
    end: () => undefined,
    cancel: () => undefined,
  } as unknown as ConstructorParameters<typeof Session>[0];
  const host = { hello: () => ({}), monotonic: () => 0 } as unknown as LinkHost;
  return { turns, session: new Session(stream, host, log, () => undefined) };
}

test("what nobody waits for goes with what somebody does, before it", () => {
  const { turns, session: to } = session();
  to.pushSoon(report(1n));
  expect(turns).toEqual([]);
  to.push(report(2n));
  expect(turns).toEqual([[1n, 2n]]);
});

test("with nothing to go with, it goes by itself, and only once", async () => {
  const { turns, session: to } = session();
  to.pushSoon(report(1n));
  to.pushSoon(report(2n));
  await vi.waitFor(() => expect(turns).toEqual([[1n, 2n]]), 5_000);
  to.push(report(3n));
  expect(turns.flat()).toEqual([1n, 2n, 3n]);
});
