import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildAll } from "../build.js";
import { buildPackage } from "./build-package.js";
import { type PackageName, packageNames } from "./control.js";

/** A package as tests want it: not compressed, and with something small in place of Node, which they have already. */
export function buildForTest(name: PackageName, root: string, out: string): string {
  const nodePath = join(out, "node");
  writeFileSync(nodePath, "#!/bin/sh\n");
  return buildPackage(name, {
    root,
    dist: join(root, "dist"),
    out,
    version: "1.2.3",
    architecture: "amd64",
    nodePath,
    epochSeconds: 1_700_000_000,
    compression: "none",
  });
}

/** Builds this checkout from nothing, and its packages into the folder named: for the test that compares them with another's. */
if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  const root = resolve(import.meta.dirname, "../..");
  await buildAll(root);
  for (const name of packageNames) buildForTest(name, root, resolve(process.argv[2] ?? "."));
}
