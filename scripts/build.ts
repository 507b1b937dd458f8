import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { bundlePrograms, programs } from "./build/programs.js";
import { compileNodeTest, compileNotify, compileShim } from "./build/shim.js";
import { sourceStamp } from "./build/stamp.js";

/**
 * Sources → `dist/`: three programs, the shim, and what speaks to systemd. Does nothing when no source changed. Each file is replaced in one step, so that a
 * daemon which starts meanwhile finds either the old or the new one.
 */
export async function buildAll(root: string): Promise<void> {
  const dist = join(root, "dist");
  const stampFile = join(dist, ".stamp");
  const stamp = sourceStamp(root);
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  mkdirSync(dist, { recursive: true });
  const staged = mkdtempSync(join(dist, ".new-"));
  try {
    const made = await Promise.allSettled([
      bundlePrograms(root, staged),
      (async () => compileShim(root, join(staged, "stoker-shim")))(),
      (async () => compileNodeTest(root, join(staged, "stoker-node-test")))(),
      (async () => compileNotify(root, join(staged, "stoker-notify")))(),
    ]);
    for (const name of Object.keys(programs)) {
      if (existsSync(join(staged, `${name}.js`))) chmodSync(join(staged, `${name}.js`), 0o755);
    }
    publish(staged, dist);
    const failures = made.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
    // `dist` can be copied to a machine without the checkout around it, which would say that these are modules.
    writeFileSync(join(dist, "package.json"), '{ "type": "module" }\n');
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** Folders first: a program must find what it reads. */
function publish(staged: string, dist: string): void {
  const entries = readdirSync(staged, { withFileTypes: true });
  for (const folder of entries.filter((entry) => entry.isDirectory())) {
    moveInto(join(staged, folder.name), join(dist, folder.name));
  }
  for (const file of entries.filter((entry) => !entry.isDirectory())) {
    renameSync(join(staged, file.name), join(dist, file.name));
  }
}

function moveInto(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) moveInto(join(from, entry.name), join(to, entry.name));
    else renameSync(join(from, entry.name), join(to, entry.name));
  }
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  buildAll(resolve(import.meta.dirname, "..")).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
