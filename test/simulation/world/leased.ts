import type { Planned, Timeline } from "./timeline.js";
import type { Taken, Truth } from "./truth.js";

/** One process of a lease, as the machine's kernel has it. */
export interface Leased {
  readonly name: string;
  state: "starting" | "running" | "ended";
  /** Of its own running time; undefined: until it is killed. */
  leftMs: number | undefined;
  ranSince: number;
  end: Planned | undefined;
  readonly program: { exitCode: number; obeysMs: number | undefined; stdoutBytes: number };
  exit: Exit | undefined;
  readonly whenEnded: Array<(exit: Exit) => void>;
}

export interface Exit {
  readonly exitCode: number;
  readonly signal: number;
  readonly stdoutBytes: number;
  readonly lost?: string;
}

/** Everything that a lease has on one machine: processes, folders, mounts. Lives on when the agent dies. */
export class LeasedProcesses {
  readonly all = new Map<string, Leased>();
  /** Folders that are made before their process. */
  readonly folders = new Set<string>();
  mounted = false;
  spool = false;
  private frozenSince: number | undefined;

  constructor(
    readonly lease: string,
    readonly machine: string,
    readonly taken: Taken,
    private readonly timeline: Timeline,
    private readonly truth: Truth,
  ) {}

  get frozen(): boolean {
    return this.frozenSince !== undefined;
  }

  get living(): Leased[] {
    return [...this.all.values()].filter(({ state }) => state === "running");
  }

  add(name: string, leftMs: number | undefined, program: Leased["program"]): Leased {
    const leased: Leased = {
      name,
      state: "starting",
      leftMs,
      ranSince: this.timeline.now,
      end: undefined,
      program,
      exit: undefined,
      whenEnded: [],
    };
    this.all.set(name, leased);
    return leased;
  }

  /** It is there now, and runs unless the lease is frozen. */
  begin(leased: Leased): void {
    if (leased.state !== "starting") return;
    leased.state = "running";
    if (!this.frozen) this.run(leased);
  }

  freeze(): void {
    if (this.frozen) return;
    this.frozenSince = this.timeline.now;
    for (const leased of this.living) this.rest(leased);
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozenSince = undefined;
    for (const leased of this.living) this.run(leased);
  }

  kill(leased: Leased, lost?: string): void {
    if (leased.state === "ended") return;
    const exit = { exitCode: 137, signal: 9, stdoutBytes: Math.floor(leased.program.stdoutBytes / 2) };
    this.ended(leased, lost === undefined ? exit : { ...exit, lost });
  }

  killAll(): void {
    for (const leased of this.all.values()) if (leased.state !== "starting") this.kill(leased);
  }

  /** SIGTERM to what was started under a shim: obeyed soon or never, and not while frozen. */
  terminate(): void {
    for (const leased of this.living) {
      const { obeysMs } = leased.program;
      if (obeysMs === undefined || this.frozen) continue;
      if (leased.leftMs === undefined || leased.leftMs > obeysMs) {
        this.rest(leased);
        leased.leftMs = obeysMs;
        this.run(leased);
      }
    }
  }

  private run(leased: Leased): void {
    leased.ranSince = this.timeline.now;
    this.truth.runs(this.lease, this.machine);
    if (leased.leftMs === undefined) return;
    leased.end = this.timeline.after(leased.leftMs, `${leased.name} of ${this.lease} ends`, () =>
      this.endsItself(leased),
    );
  }

  private rest(leased: Leased): void {
    if (leased.end) leased.end.cancelled = true;
    leased.end = undefined;
    if (leased.leftMs !== undefined) leased.leftMs = Math.max(0, leased.leftMs - (this.timeline.now - leased.ranSince));
    this.truth.rests(this.lease);
  }

  private endsItself(leased: Leased): void {
    const { exitCode, stdoutBytes } = leased.program;
    this.ended(leased, { exitCode, signal: 0, stdoutBytes });
  }

  private ended(leased: Leased, exit: Exit): void {
    if (leased.state === "running" && !this.frozen) this.rest(leased);
    leased.state = "ended";
    leased.exit = exit;
    this.truth.ends.set(`${this.lease} ${leased.name}`, exit);
    // A shim that ends has ended its descendants; one that was killed has not.
    if (exit.lost === undefined && leased.name !== "stray") {
      const stray = this.all.get(`stray of ${leased.name}`);
      if (stray) this.kill(stray);
    }
    for (const tell of leased.whenEnded.splice(0)) tell(exit);
  }
}
