import { expect, it } from "vitest";
import { levelsAbove } from "./environment.js";

it.each([
  [
    "/data/out/workspaces/w/clusters/c/0e2d6b1c",
    ["/data/out/workspaces", "/data/out/workspaces/w", "/data/out/workspaces/w/clusters"],
  ],
  ["/workspaces/w/clusters/c/0e2d6b1c/x", ["/workspaces", "/workspaces/w", "/workspaces/w/clusters"]],
  // As the last of them is the cluster's.
  [
    "/workspaces/a/clusters/b/c/workspaces/w/clusters/c/1",
    [
      "/workspaces/a/clusters/b/c/workspaces",
      "/workspaces/a/clusters/b/c/workspaces/w",
      "/workspaces/a/clusters/b/c/workspaces/w/clusters",
    ],
  ],
  ["/data/out", []],
])("%s lies in levels that jobs share", (directory, levels) => {
  expect(levelsAbove(directory)).toEqual(levels);
});
