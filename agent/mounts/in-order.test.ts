import { expect, test } from "vitest";
import { inOrder } from "./in-order.js";

const volumes = (...paths: string[]) => paths.map((relativeMountPath) => ({ relativeMountPath }));

test("volumes side by side are worked on at once, nested ones one after the other", async () => {
  const log: string[] = [];
  const gates = new Map<string, () => void>();
  const all = inOrder(volumes("a", "b", "a/c"), ({ relativeMountPath: path }) => {
    log.push(path);
    return new Promise((resolve) => gates.set(path, resolve));
  });
  expect(log).toEqual(["a", "b"]);
  gates.get("a")?.();
  await new Promise(setImmediate);
  expect(log).toEqual(["a", "b", "a/c"]);
  gates.get("b")?.();
  gates.get("a/c")?.();
  expect((await all).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
});

test("what lies in a volume that could not be mounted is not mounted, and fails for the same reason", async () => {
  const log: string[] = [];
  const ends = await inOrder(volumes("a", "a/c", "b"), ({ relativeMountPath: path }) => {
    log.push(path);
    return path === "a" ? Promise.reject(new Error("no a")) : Promise.resolve();
  });
  expect(log).toEqual(["a", "b"]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});
