import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import protobuf, { type INamespace } from "protobufjs";

/** One file each. What the command line imports when it needs it is in its file, too, and runs no earlier. */
export const programs = {
  "stoker-coordinator": "coordinator/main.ts",
  "stoker-agent": "agent/main.ts",
  stoker: "cli/main.ts",
  "check-gpu": "scripts/check-gpu.ts",
};

/** CommonJS packages inside an ES module still call `require`. */
const banner = [
  "#!/usr/bin/env node",
  'import { createRequire as makeRequire } from "node:module";',
  "const require = makeRequire(import.meta.url);",
].join("\n");

const bundled = (root: string, version: string): BuildOptions => ({
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  // Of a linked node_modules the bundle would name the place, and differ from that of one which is no link.
  preserveSymlinks: true,
  // Names and lines stay, for readable stack traces.
  minifySyntax: true,
  external: ["better-sqlite3", "node-pty"],
  loader: { ".sql": "text", ".node": "copy" },
  define: { STOKER_VERSION: JSON.stringify(version) },
  legalComments: "none",
  logLevel: "silent",
  plugins: [grpcProtos(root)],
});

/** Bundles every program into `out`; one that fails, or has no entry, does not keep the others from being made. */
export async function bundlePrograms(root: string, out: string): Promise<void> {
  const version = String(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
  const options = { ...bundled(root, version), outdir: out, banner: { js: banner } };
  const made = await Promise.allSettled(
    Object.entries(programs).map(([name, entry]) => build({ ...options, entryPoints: { [name]: entry } })),
  );
  const failures = made.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
}

/** These packages read .proto files beside themselves, which a bundle has not: it holds what they would have read. */
const readers =
  /node_modules\/(grpc-health-check|@grpc\/reflection)\/build\/src\/(health|implementations\/reflection-v1(alpha)?)\.js$/;

const grpcProtos = (root: string): Plugin => ({
  name: "grpc-protos",
  setup(builder) {
    builder.onLoad({ filter: readers }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source
        .replace(/\bloadSync\)?\(('[^']*'|protoPath), /, (call) => {
          const after = call.includes(")") ? "fromJSON)" : "fromJSON";
          return `${after}(${JSON.stringify(protoOf(root, path))}, `;
        })
        .replaceAll("__dirname", '"/"');
      if (!contents.includes("fromJSON")) throw new Error(`${path} reads its .proto in a new way`);
      return { loader: "js", contents };
    });
  },
});

function protoOf(root: string, reader: string): INamespace {
  const modules = join(root, "node_modules");
  const reflection = join(modules, "@grpc/reflection/build/proto/grpc/reflection");
  if (reader.endsWith("health.js")) return readProto(join(modules, "grpc-health-check/proto/health/v1/health.proto"));
  return readProto(join(reflection, reader.endsWith("alpha.js") ? "v1alpha" : "v1", "reflection.proto"));
}

const readProto = (path: string) => protobuf.loadSync(path).toJSON();
