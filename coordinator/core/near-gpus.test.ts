import { expect, it } from "vitest";
import { nearest } from "./near-gpus.js";

/** Pairs by NVLink, fours behind one switch. */
const link = (a: number, b: number) => (a === b ? "X" : a >> 1 === b >> 1 ? "NV4" : a >> 2 === b >> 2 ? "PXB" : "SYS");
const eight = [0, 1, 2, 3, 4, 5, 6, 7];
const gpus = eight.map((index) => ({
  ...{ uuid: `g${index}`, index, model: "A", memoryBytes: 1 },
  links: eight.map((other) => link(index, other)),
}));
const of = (...indexes: number[]) => indexes.map((index) => `g${index}`);
const alike = () => 0;

it.each<[number[], number, number[]]>([
  [[0, 1, 2, 3, 4, 5, 6, 7], 2, [0, 1]],
  [[1, 2, 3, 4, 5, 6, 7], 2, [2, 3]],
  // Three of a four: one is alone anyway.
  [[1, 2, 3, 5, 6], 3, [1, 2, 3]],
  [[0, 2, 4, 5], 2, [4, 5]],
  // One leaves the pairs whole.
  [[1, 2, 3, 4, 5, 6, 7], 1, [1]],
  [[2, 3, 4, 5, 7], 1, [7]],
  [[0, 1, 4, 5, 6, 7], 4, [4, 5, 6, 7]],
  [[0, 1], 2, [0, 1]],
  [[0, 1], 0, []],
])("of %j, %i close to each other are %j", (free, count, chosen) => {
  expect(nearest(gpus, of(...free), count, alike)).toEqual(of(...chosen));
});

it("those that are to be taken last are taken last, however close", () => {
  const suspect = (uuid: string) => (uuid === "g1" ? 1 : 0);
  expect(nearest(gpus, of(0, 2, 3, 4, 1), 2, suspect)).toEqual(of(2, 3));
  expect(nearest(gpus, of(0, 4, 1), 2, suspect)).toEqual(of(0, 4));
  expect(nearest(gpus, of(0, 4, 1), 3, suspect)).toEqual(of(0, 4, 1));
});

it("without a word about their links, the first", () => {
  const plain = gpus.map(({ links: _, ...gpu }) => gpu);
  expect(nearest(plain, of(1, 2, 3), 2, alike)).toEqual(of(1, 2));
});
