import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** What a release consists of, as one file: its programs, the sources of its shim, and the messages that it speaks. */
type Files = Record<string, string>;

const programs = ["stoker-coordinator.js", "stoker-agent.js", "stoker.js"];
const largestWindow = 24;

/** Of a tree whose `dist/` is built. The shim is kept as C: it is compiled where it is to run. */
export function packRelease(root: string): Buffer {
  const files: Files = { "dist/package.json": readFileSync(join(root, "dist/package.json"), "utf8") };
  for (const name of programs) files[`dist/${name}`] = readFileSync(join(root, "dist", name), "utf8");
  for (const folder of ["agent/native", "proto"]) addFolder(root, folder, files);
  const text = Buffer.from(JSON.stringify(files));
  // The programs share most of their libraries, which lie further apart than a window of the usual size reaches.
  return brotliCompressSync(text, {
    params: { [constants.BROTLI_PARAM_LGWIN]: largestWindow, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
  });
}

/** The file of the release before this tree. */
export function newestRelease(root: string): string {
  const folder = join(root, "test/fixtures/releases");
  const names = readdirSync(folder).filter((name) => name.endsWith(".br"));
  const newest = names.sort((a, b) => b.localeCompare(a, "en", { numeric: true }))[0];
  if (newest === undefined) throw new Error(`${folder} holds no release`);
  return join(folder, newest);
}

/** Undoes packRelease in an empty folder, and compiles the shim; `dist/` there is as after a build. */
export function unpackRelease(packed: Buffer, folder: string): void {
  const files = JSON.parse(brotliDecompressSync(packed).toString()) as Files;
  for (const [name, text] of Object.entries(files)) {
    const path = resolve(folder, name);
    if (!path.startsWith(resolve(folder) + sep)) throw new Error(`a release can't hold the file ${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: name.endsWith(".js") ? 0o755 : 0o644 });
  }
  const sources = Object.keys(files).filter((name) => /^agent\/native\/[^/]+\.c$/.test(name));
  const [shim, rsh] = ["stoker-shim", "stoker-rsh"].map((name) => join(folder, "dist", name)) as [string, string];
  execFileSync("gcc", ["-std=gnu11", "-O2", "-o", shim, ...sources.map((name) => join(folder, name)), "-lpthread"]);
  // Not a link: a copied `dist` has none either.
  writeFileSync(rsh, readFileSync(shim), { mode: 0o755 });
}

/** Its messages alone. */
export function unpackProto(packed: Buffer, folder: string): void {
  const files = JSON.parse(brotliDecompressSync(packed).toString()) as Files;
  for (const [name, text] of Object.entries(files)) {
    const path = resolve(folder, name);
    if (!path.startsWith(resolve(folder, "proto") + sep)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

function addFolder(root: string, folder: string, files: Files): void {
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(root, folder, name);
    if (statSync(path).isFile() && /\.(c|h|proto)$/.test(name))
      files[relative(root, path)] = readFileSync(path, "utf8");
  }
}
