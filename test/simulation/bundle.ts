import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import type { Patch } from "./mutants.js";

const root = resolve(import.meta.dirname, "../..");

/** The simulation as one program at `outfile`, with the product's code as it is or with `patches` applied to it. */
export async function bundle(outfile: string, patches: readonly Patch[] = []): Promise<void> {
  for (const patch of patches) patched(textOf(patch.file), [patch]);
  await build({
    absWorkingDir: root,
    entryPoints: ["test/simulation/player.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "silent",
    // CommonJS packages inside an ES module still call `require`.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    plugins: [applying(patches)],
  });
}

/** The text with each patch of it applied. What a patch looks for is there exactly once, or the patch is out of date. */
export function patched(text: string, patches: readonly Patch[]): string {
  return patches.reduce((before, { file, find, replace }) => {
    const found = before.split(find).length - 1;
    if (found !== 1) throw new Error(`${file}: a mutant's text is there ${found} times, not once: ${find}`);
    return before.replace(find, () => replace);
  }, text);
}

export const textOf = (file: string) => readFileSync(resolve(root, file), "utf8");

const applying = (patches: readonly Patch[]): Plugin => ({
  name: "mutants",
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = patches.filter(({ file }) => file === relative(root, path));
      if (own.length === 0) return undefined;
      return { loader: "ts", contents: patched(readFileSync(path, "utf8"), own) };
    });
  },
});
