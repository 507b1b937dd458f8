import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { impurities } from "./purity.js";

/** Every impurity in the cores under `root`, as `path:line: what`. */
export function checkCores(root: string): string[] {
  return ["coordinator/core", "agent/core"]
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => join(folder, name)),
    )
    .flatMap((path) =>
      impurities(path, readFileSync(path, "utf8")).map(
        ({ line, what }) => `${relative(root, path)}:${line}: ${what} does not belong in core/`,
      ),
    );
}
