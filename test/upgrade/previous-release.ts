import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { newestRelease, unpackRelease } from "../../scripts/release/bundle.js";

const root = resolve(import.meta.dirname, "../..");

/** The newest release before this tree, ready to run. */
export class PreviousRelease implements Disposable {
  private constructor(
    readonly version: string,
    readonly folder: string,
  ) {}

  static unpack(): PreviousRelease {
    const file = newestRelease(root);
    const folder = mkdtempSync(join(tmpdir(), "stoker-release-"));
    unpackRelease(readFileSync(file), folder);
    // Its database add-on is the one thing that no file of it holds.
    mkdirSync(join(folder, "node_modules"));
    for (const name of ["better-sqlite3", "bindings", "file-uri-to-path"]) {
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    return new PreviousRelease(basename(file, ".br"), folder);
  }

  get programs(): string {
    return join(this.folder, "dist");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
