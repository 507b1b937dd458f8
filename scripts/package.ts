import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { buildAll } from "./build.js";
import { buildPackage } from "./package/build-package.js";
import { packageNames } from "./package/control.js";

/** `npm run package`: Debian packages of the three programs in `dist/packages`. */
const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
const out = join(dist, "packages");

await buildAll(root);
mkdirSync(out, { recursive: true });
const version = String(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
const architecture = execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim();
for (const name of packageNames) {
  const file = buildPackage(name, {
    root,
    dist,
    out,
    version,
    architecture,
    nodePath: realpathSync(process.execPath),
    epochSeconds: commitSeconds(),
    compression: process.argv.includes("--uncompressed") ? "none" : "xz",
  });
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
  const mebibytes = (statSync(file).size / 1024 / 1024).toFixed(1);
  process.stdout.write(`${relative(process.cwd(), file)}  ${mebibytes} MiB  sha256:${digest}\n`);
}

const howNodeIsMade: object = process.config.variables;
if ("node_shared" in howNodeIsMade && howNodeIsMade.node_shared) {
  process.stderr.write(
    "This Node.js is linked with libraries of this distribution: the packages are for machines of the same release. One of nodejs.org makes packages for all.\n",
  );
}

/** The time of the sources, not of the build. */
function commitSeconds(): number {
  try {
    return Number(execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).trim());
  } catch {
    // An unpacked archive has no history.
    return Math.floor(statSync(join(root, "package.json")).mtimeMs / 1000);
  }
}
