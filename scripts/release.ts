import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { buildAll } from "./build.js";
import { packRelease } from "./release/bundle.js";

/** `npm run release`: the programs of this tree as one file, to be kept in test/fixtures/releases once they are published. */
const root = resolve(import.meta.dirname, "..");
await buildAll(root);
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const folder = join(root, "dist/releases");
mkdirSync(folder, { recursive: true });
const file = join(folder, `${version}.br`);
const packed = packRelease(root);
writeFileSync(file, packed);
process.stdout.write(`${relative(process.cwd(), file)}  ${(packed.length / 2 ** 20).toFixed(2)} MiB\n`);
