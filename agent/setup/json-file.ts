import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** One value on disk: whole, or as it was before. For root alone to read. */
export class JsonFile<T> {
  constructor(
    private readonly path: string,
    private readonly isRight: (found: unknown) => found is T,
  ) {}

  /** Undefined when there is none, and for what can't be read as one. */
  read(): T | undefined {
    try {
      const found: unknown = JSON.parse(readFileSync(this.path, "utf8"));
      return this.isRight(found) ? found : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  write(value: T): void {
    const fresh = `${this.path}.new`;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const file = openSync(fresh, "w", 0o600);
    try {
      writeSync(file, `${JSON.stringify(value)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, this.path);
    const folder = openSync(dirname(this.path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
