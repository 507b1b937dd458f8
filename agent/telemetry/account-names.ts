import { execFile } from "node:child_process";

/** A directory service that is away. */
const limitMs = 15_000;
const keptMs = 600_000;

/** What accounts are called, by their numbers. Whoever is not known yet is looked up, and has a name the next time: nobody waits for a directory. */
export class AccountNames {
  private readonly known = new Map<number, { name: string; until: number }>();

  constructor(private readonly program = "getent") {}

  /** `uid 1234` as long as there is no name. */
  of(uid: number): string {
    if (uid === 0) return "root";
    const found = this.known.get(uid);
    const name = found?.name ?? `uid ${uid}`;
    if (!found || found.until < performance.now()) this.lookUp(uid, name);
    return name;
  }

  private lookUp(uid: number, meanwhile: string): void {
    this.known.set(uid, { name: meanwhile, until: performance.now() + keptMs });
    const options = { timeout: limitMs, killSignal: "SIGKILL", env: { PATH: process.env.PATH, LC_ALL: "C" } } as const;
    execFile(this.program, ["passwd", String(uid)], options, (error, stdout) => {
      const name = error ? "" : (stdout.split(":", 1)[0] ?? "");
      // Without one, or with nobody to ask, its number is its name.
      if (/^[^\s:]{1,64}$/.test(name)) this.known.set(uid, { name, until: performance.now() + keptMs });
    });
  }
}
