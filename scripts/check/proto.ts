import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestRelease, unpackProto } from "../release/bundle.js";
import { type Outcome, run } from "./command.js";

/** The committed code in shared/gen is what buf makes of proto/ now. */
export function checkGenerated(root: string): Promise<Outcome> {
  return inFolder(async (folder) => {
    const made = await run(root, "buf", ["generate", "--output", folder]);
    if (made.status !== 0) return made;
    const compared = await run(root, "diff", ["-r", join(folder, "shared/gen"), join(root, "shared/gen")]);
    if (compared.status === 0) return compared;
    return { status: 1, output: `shared/gen is not what proto/ makes: run npm run generate\n${compared.output}` };
  });
}

/** No message or field that main has changes its meaning. */
export function checkBreaking(root: string): Promise<Outcome> {
  return inFolder(async (folder) => {
    const base = await baseWithProto(root);
    if (base === undefined) return { status: 0, output: "no branch main with proto/ to compare with: skipped\n" };
    // Out of git by hand: buf's own reader wants a branch, and a checkout in CI may have none.
    const tar = join(folder, "base.tar");
    const archived = await run(root, "git", ["archive", "--output", tar, base, "proto"]);
    if (archived.status !== 0) return archived;
    mkdirSync(join(folder, "base"));
    const unpacked = await run(root, "tar", ["-xf", tar, "-C", join(folder, "base")]);
    if (unpacked.status !== 0) return unpacked;
    writeFileSync(join(folder, "base/buf.yaml"), "version: v2\nmodules:\n  - path: proto\n");
    return run(root, "buf", ["breaking", "--against", join(folder, "base")]);
  });
}

/** The same for what machines out there run: an upgrade meets it on the wire, and its records in ledger and catalog. */
export function checkReleased(root: string): Promise<Outcome> {
  return inFolder(async (folder) => {
    unpackProto(readFileSync(newestRelease(root)), folder);
    writeFileSync(join(folder, "buf.yaml"), "version: v2\nmodules:\n  - path: proto\n");
    return run(root, "buf", ["breaking", "--against", folder]);
  });
}

async function baseWithProto(root: string): Promise<string | undefined> {
  for (const ref of ["main", "origin/main"]) {
    if ((await run(root, "git", ["rev-parse", "--verify", "--quiet", `${ref}:proto`])).status === 0) return ref;
  }
  return undefined;
}

async function inFolder(check: (folder: string) => Promise<Outcome>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-proto-"));
  try {
    return await check(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
