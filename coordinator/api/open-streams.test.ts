import { expect, test } from "vitest";
import { OpenStreams } from "./open-streams.js";

test("one connection may have many streams open, and as many again when those are over", () => {
  const open = new OpenStreams();
  const held = Array.from({ length: 10_000 }, () => open.hold("10.0.0.1:1"));
  expect(() => open.hold("10.0.0.1:1")).toThrow(/10000 open streams, the most that one may have/);
  held.push(...Array.from({ length: 10_000 }, () => open.hold("10.0.0.1:2")));
  expect(() => open.hold("10.0.0.1:3")).toThrow(/20000 open streams: try again later/);
  for (const each of held) each[Symbol.dispose]();
  for (let count = 0; count < 10_000; count += 1) open.hold("10.0.0.1:1");
});
