import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, join } from "node:path";

/** What the programs and add-ons below a folder are linked with, as dependencies of Debian: a machine that lacks it refuses the package, not the start. */
export function linkedWith(tree: string): string[] {
  const libc: string[] = [];
  const cxx: string[] = [];
  const others = new Set<string>();
  for (const path of elfFiles(tree)) {
    const { needed, versions } = linksOf(path);
    libc.push(...versions.filter((each) => each.startsWith("GLIBC_")));
    cxx.push(...versions.filter((each) => each.startsWith("GLIBCXX_")));
    for (const name of needed) if (!standard.test(name)) others.add(packageOf(name, path));
  }
  const newestCxx = newest(cxx);
  return [
    ...(libc.length === 0 ? [] : [`libc6 (>= ${newest(libc)})`]),
    ...(newestCxx === undefined ? [] : [`libstdc++6 (>= ${ofCompiler(newestCxx)})`]),
    ...[...others].sort(),
  ];
}

/** Of libc6 and libstdc++6, and libgcc-s1, which the latter brings along. */
const standard = /^(?:ld-linux|lib(?:c|m|dl|rt|util|pthread|resolv|stdc\+\+|gcc_s)\.)/;

function elfFiles(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => firstBytes(path).equals(Buffer.from("\x7fELF", "latin1")));
}

function firstBytes(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(4);
    return bytes.subarray(0, readSync(file, bytes, 0, 4, 0));
  } finally {
    closeSync(file);
  }
}

/** The compiler, without which there is nothing to package, brings objdump along. */
function linksOf(path: string): { needed: string[]; versions: string[] } {
  const options = { encoding: "utf8", env: { ...process.env, LC_ALL: "C" }, maxBuffer: 2 ** 26 } as const;
  const said = execFileSync("objdump", ["-p", path], options);
  return {
    needed: [...said.matchAll(/^ +NEEDED +(\S+)$/gm)].map(([, name = ""]) => name),
    // What is required, not what is offered to others.
    versions: [...said.matchAll(/^ +0x[0-9a-f]+ 0x[0-9a-f]+ \d+ (GLIBC(?:XX)?_[\d.]+)$/gm)].map(
      ([, name = ""]) => name,
    ),
  };
}

/** The Node.js of some distributions is a small program and a library of another package. */
function packageOf(library: string, wantedBy: string): string {
  try {
    const found = execFileSync("dpkg-query", ["-S", `*/${library}`], { encoding: "utf8", stdio: "pipe" });
    const name = /^([^:,\s]+)/.exec(found)?.[1] ?? "";
    const version = execFileSync("dpkg-query", ["-W", "-f=${Version}\n", name], { encoding: "utf8" }).split("\n")[0];
    return `${name} (>= ${version?.replace(/[-+~].*$/, "")})`;
  } catch (cause) {
    throw new Error(
      `${basename(wantedBy)} is linked with ${library}, which no package of this machine has: build with a Node.js of nodejs.org`,
      { cause },
    );
  }
}

const newest = (versions: readonly string[]): string | undefined =>
  versions
    .map((each) => each.replace(/^\w+_/, ""))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);

/** Which release of GCC brought the last part of `3.4.N`. */
function ofCompiler(version: string): string {
  const minor = Number(version.split(".")[2] ?? 0);
  const [, release = "5"] = releases.find(([least]) => minor >= least) ?? [];
  return release;
}
const releases: ReadonlyArray<readonly [number, string]> = [
  [34, "15"],
  [33, "14"],
  [31, "13"],
  [30, "12"],
  [29, "11"],
  [26, "9"],
  [25, "8"],
  [23, "7"],
  [22, "6"],
];
