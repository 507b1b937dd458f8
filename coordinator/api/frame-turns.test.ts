import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { FrameTurns } from "./frame-turns.js";

it("lets all together have so many in a turn, and those who wait have them in small shares, each in its turn", async () => {
  const turns = new FrameTurns(10, 4);
  const taken: string[] = [];
  const taker = (name: string, wanted: number) => {
    let left = wanted;
    const goOn = () => {
      while (left > 0 && turns.take()) {
        left -= 1;
        taken.push(name);
      }
      if (left > 0) turns.wait(goOn);
    };
    return goOn;
  };
  taker("a", 25)();
  taker("b", 7)();
  const inTurn = () => taken.splice(0).join("");
  expect(inTurn()).toBe("a".repeat(10));
  await turn();
  expect(inTurn()).toBe("aaaabbbbaa");
  await turn();
  expect(inTurn()).toBe("bbbaaaaaaa");
  // What these left of the turn is anybody's.
  await turn();
  expect(inTurn()).toBe("aa");
  taker("c", 9)();
  expect(inTurn()).toBe("c".repeat(8));
  await turn();
  expect(inTurn()).toBe("c");
});
