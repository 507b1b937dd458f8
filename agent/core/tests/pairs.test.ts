import { expect, it } from "vitest";
import { judgePair, median, type Pair } from "./pairs.js";

const nodes = ["a", "b", "c", "d", "e"];
const pairs = (of: (from: string, to: string) => Partial<Pair>): Pair[] =>
  nodes.flatMap((from, at) =>
    nodes.slice(at + 1).map((to) => ({ from, to, latencyUs: 22, bandwidthMBps: 1_180, ...of(from, to) })),
  );
const judged = (all: readonly Pair[], tested = "a") =>
  Object.fromEntries(all.map((pair) => [`${pair.from}${pair.to}`, judgePair(pair, all, tested).outcome]));
const odd = (all: readonly Pair[], tested = "a") =>
  Object.entries(judged(all, tested)).filter(([, outcome]) => outcome !== "passed");

it("a pair that is slower than the others stands out, by how much", () => {
  const one = (slow: Partial<Pair>) => pairs((from, to) => (from === "a" && to === "c" ? slow : {}));
  expect(odd(one({}))).toEqual([]);
  expect(odd(one({ bandwidthMBps: 700 }))).toEqual([]);
  expect(odd(one({ bandwidthMBps: 500 }))).toEqual([["ac", "warned"]]);
  expect(odd(one({ bandwidthMBps: 117 }))).toEqual([["ac", "failed"]]);
  expect(odd(one({ latencyUs: 60 }))).toEqual([]);
  expect(odd(one({ latencyUs: 80 }))).toEqual([["ac", "warned"]]);
  expect(odd(one({ latencyUs: 200 }))).toEqual([["ac", "failed"]]);
  const all = one({ bandwidthMBps: 117 });
  expect(judgePair(all[1] as Pair, all, "a").message).toBe("its 117 MB/s are less than 1/4 of the usual 1180 MB/s");
});

it("a node that is slow with everybody is not what is usual, in a group of three either", () => {
  const slow = pairs((from) => (from === "a" ? { bandwidthMBps: 110 } : {}));
  expect(odd(slow).map(([pair]) => pair)).toEqual(["ab", "ac", "ad", "ae"]);
  const three = slow.filter(({ from, to }) => `${from}${to}`.match(/^[abc]+$/));
  expect(odd(three)).toEqual([
    ["ab", "failed"],
    ["ac", "failed"],
  ]);
});

it("what is slow between two others is told, and no fault of the node that is tested", () => {
  const slow = pairs((from, to) => (from === "b" && to === "c" ? { bandwidthMBps: 110 } : {}));
  expect(odd(slow)).toEqual([["bc", "warned"]]);
  expect(odd(slow, "b")).toEqual([["bc", "failed"]]);
});

it("two nodes can't be compared with anything", () => {
  expect(odd(pairs(() => ({ bandwidthMBps: 1 })).slice(0, 1))).toEqual([]);
});

it("the median of an even number lies between", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, 0]);
});
