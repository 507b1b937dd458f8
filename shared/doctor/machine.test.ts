import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";

const started = vi.hoisted(() => vi.fn());
vi.mock("node:child_process", () => ({ execFile: started }));

const { thisMachine } = await import("./machine.js");

test("between any two programs that a doctor starts, the rest of the daemon has its turn", async () => {
  const turnsAt: number[] = [];
  let turns = 0;
  started.mockImplementation((_program: string, _words: string[], _options: object, done: () => void) => {
    turnsAt.push(turns);
    done();
    return {};
  });
  const ran = Promise.all(["a", "b", "c"].map((program) => thisMachine.run([program])));
  while (turnsAt.length < 3) {
    await turn();
    turns += 1;
  }
  await ran;
  expect(new Set(turnsAt).size).toBe(3);
});
