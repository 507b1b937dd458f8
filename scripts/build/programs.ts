import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";

/** One file each. What the command line imports when it needs it is in its file, too, and runs no earlier. */
export const programs = {
  "stoker-coordinator": "coordinator/main.ts",
  "stoker-agent": "agent/main.ts",
  stoker: "cli/main.ts",
};

/** CommonJS packages inside an ES module still call `require`. */
const banner = [
  "#!/usr/bin/env node",
  'import { createRequire as makeRequire } from "node:module";',
  "const require = makeRequire(import.meta.url);",
  'const bundleFolder = require("node:path").dirname(require("node:url").fileURLToPath(import.meta.url));',
].join("\n");

const bundled = (root: string, version: string): BuildOptions => ({
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Names and lines stay, for readable stack traces.
  minifySyntax: true,
  external: ["better-sqlite3"],
  loader: { ".sql": "text", ".node": "copy" },
  define: { STOKER_VERSION: JSON.stringify(version) },
  legalComments: "none",
  logLevel: "silent",
  plugins: [grpcProtos],
});

/** Bundles every program into `out`; one that fails, or has no entry, does not keep the others from being made. */
export async function bundlePrograms(root: string, out: string): Promise<void> {
  const version = String(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
  const options = { ...bundled(root, version), outdir: out, banner: { js: banner } };
  const made = await Promise.allSettled(
    Object.entries(programs).map(([name, entry]) => build({ ...options, entryPoints: { [name]: entry } })),
  );
  copyProtos(root, out);
  const failures = made.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
}

/** These packages read .proto files beside themselves, which a bundle has not: they are given the copies in `dist/proto`. */
const readers = /node_modules\/(grpc-health-check|@grpc\/reflection)\/build\/src\/.*\.js$/;

const grpcProtos: Plugin = {
  name: "grpc-protos",
  setup(builder) {
    builder.onLoad({ filter: readers }, ({ path }) => ({
      loader: "js",
      // They go two folders up and then into `proto`.
      contents: readFileSync(path, "utf8").replaceAll(
        "__dirname",
        // A name of the banner: `import.meta` here would make esbuild take these CommonJS files for ES modules.
        '(bundleFolder + "/a/b")',
      ),
    }));
  },
};

function copyProtos(root: string, out: string): void {
  mkdirSync(join(out, "proto"), { recursive: true });
  for (const folder of ["grpc-health-check/proto", "@grpc/reflection/build/proto"]) {
    const from = join(root, "node_modules", folder);
    for (const entry of readdirSync(from)) cpSync(join(from, entry), join(out, "proto", entry), { recursive: true });
  }
}
