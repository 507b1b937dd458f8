import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const sources = [
  "coordinator",
  "agent",
  "cli",
  "shared",
  "scripts/build",
  "scripts/build.ts",
  "scripts/check-gpu",
  "scripts/check-gpu.ts",
  "scripts/site",
  "package-lock.json",
  "package.json",
];

/** Changes whenever a file that goes into `dist` does. */
export function sourceStamp(root: string): string {
  const hash = createHash("sha256");
  for (const source of sources) add(root, source, hash);
  return hash.digest("hex");
}

function add(root: string, path: string, hash: ReturnType<typeof createHash>): void {
  const absolute = join(root, path);
  if (!existsSync(absolute)) return;
  const found = statSync(absolute);
  if (!found.isDirectory()) {
    if (path.endsWith(".test.ts")) return;
    hash.update(`${path} ${found.size} ${found.mtimeMs}\n`);
    return;
  }
  for (const name of readdirSync(absolute).sort()) add(root, join(path, name), hash);
}
