import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attempt } from "./command.js";
import { cgroupRoots } from "./host.js";
import { labName } from "./settings.js";
import { until } from "./until.js";

/**
 * What one place in the lab runs, held together by a cgroup: `cut` ends all of it at the same instant, however often it has forked,
 * and no process outside it.
 */
export class Power {
  readonly #folders: string[];

  constructor(place: string) {
    const { unified, systemd } = cgroupRoots();
    this.#folders = [unified, systemd].flatMap((root) =>
      root === undefined ? [] : [join(root, "stoker-lab", labName, place)],
    );
  }

  get folder(): string {
    return this.#folders[0] ?? "";
  }

  get on(): boolean {
    const events = join(this.folder, "cgroup.events");
    return existsSync(events) && readFileSync(events, "utf8").includes("populated 1");
  }

  /** The same command, as one of this place's processes. */
  under(argv: string[]): string[] {
    for (const folder of this.#folders) mkdirSync(folder, { recursive: true });
    const join = this.#folders.map((folder) => `echo $$ >${folder}/cgroup.procs`).join(" && ");
    return ["sh", "-c", `${join} && exec "$@"`, "sh", ...argv];
  }

  async cut(): Promise<void> {
    if (!existsSync(this.folder)) return;
    writeFileSync(join(this.folder, "cgroup.kill"), "1");
    await until(`${this.folder} is empty`, async () => !this.on, 20_000, 20);
    for (const folder of this.#folders) {
      // Removes the folders that the machine made in its own; those of a cgroup tree cannot be removed as files are.
      await attempt(["find", folder, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
    }
  }

  /** Stops the place as a stuck kernel would: it keeps its state and does nothing. */
  freeze(frozen: boolean): void {
    writeFileSync(join(this.folder, "cgroup.freeze"), frozen ? "1" : "0");
  }
}

/** Takes away the empty folders that hold all of a lab's places. */
export function forgetPowerOf(lab: string): void {
  const { unified, systemd } = cgroupRoots();
  for (const root of [unified, systemd]) {
    const folder = root === undefined ? undefined : join(root, "stoker-lab", lab);
    if (folder !== undefined && existsSync(folder)) rmdirSync(folder);
  }
}
