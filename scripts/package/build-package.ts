import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { contents, modes } from "./contents.js";
import { conffiles, controlOf, type PackageName } from "./control.js";
import { linkedWith } from "./linked.js";
import { maintainerScripts } from "./scripts.js";

export interface PackageOptions {
  root: string;
  /** Built programs. */
  dist: string;
  out: string;
  version: string;
  /** Debian's word, such as amd64. */
  architecture: string;
  /** The Node.js that goes into the package. */
  nodePath: string;
  /** Every file's time, so that the same sources give the same bytes. Seconds. */
  epochSeconds: number;
  /** `none` is for those who only want to look at it, `gzip` for those who can't wait. */
  compression: "xz" | "gzip" | "none";
}

/** The path of the package made. */
export function buildPackage(name: PackageName, options: PackageOptions): string {
  const tree = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    contents[name]({ ...options, tree });
    const installedBytes = bytesIn(tree);
    const linked = linkedWith(tree);
    const sums = sumsOf(tree, conffiles[name]);
    const debian = join(tree, "DEBIAN");
    mkdirSync(debian);
    writeFileSync(join(debian, "md5sums"), sums);
    writeFileSync(join(debian, "control"), controlOf(name, { ...options, installedBytes, linked }));
    if (conffiles[name].length > 0) writeFileSync(join(debian, "conffiles"), `${conffiles[name].join("\n")}\n`);
    for (const [hook, text] of Object.entries(maintainerScripts[name])) {
      writeFileSync(join(debian, hook), text);
      modes.set(join(debian, hook), 0o755);
    }
    settle(tree, options.epochSeconds);
    const quick = options.compression === "gzip" ? ["-z1"] : [];
    const file = join(options.out, `${name}_${options.version}_${options.architecture}.deb`);
    execFileSync("dpkg-deb", ["--root-owner-group", `-Z${options.compression}`, ...quick, "--build", tree, file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(options.epochSeconds), LC_ALL: "C" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    return file;
  } finally {
    modes.clear();
    rmSync(tree, { recursive: true, force: true });
  }
}

/** Modes and times that do not depend on who builds, or when. */
function settle(path: string, epochSeconds: number, mode?: number): void {
  const found = lstatSync(path);
  const own = modes.get(path) ?? mode;
  if (found.isDirectory()) {
    for (const name of readdirSync(path)) settle(join(path, name), epochSeconds, modes.get(path));
    chmodSync(path, 0o755);
  } else if (!found.isSymbolicLink()) chmodSync(path, own ?? 0o644);
  lutimesSync(path, epochSeconds, epochSeconds);
}

/** For `dpkg --verify`, which has its own word on files that administrators change. */
function sumsOf(tree: string, changed: readonly string[]): string {
  const files = readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .filter((path) => !changed.includes(`/${path}`));
  const sum = (path: string) =>
    createHash("md5")
      .update(readFileSync(join(tree, path)))
      .digest("hex");
  return files
    .sort()
    .map((path) => `${sum(path)}  ${path}\n`)
    .join("");
}

function bytesIn(path: string): number {
  const found = lstatSync(path);
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}
