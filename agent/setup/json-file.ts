import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { writeWhole } from "../../shared/whole-file.js";

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
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    writeWhole(this.path, `${JSON.stringify(value)}\n`);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}
