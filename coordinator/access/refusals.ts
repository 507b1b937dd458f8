import type { AuditNote } from "../core/access/audit.js";

const windowMs = 60_000;
/** From one user and address, and from all. */
const eachMost = 20;
const allMost = 200;

/** Refused calls for the audit log, so many a minute: nobody can fill the disk by being refused. What was left out is counted. */
export class Refusals {
  private readonly told = new Map<string, number>();
  private all = 0;
  private leftOut = 0;
  private begunAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly write: (note: AuditNote) => void,
    private readonly now: () => number,
  ) {}

  tell(note: AuditNote): void {
    if (this.now() - this.begunAt >= windowMs) this.begin();
    const key = `${note.user} ${note.peer.replace(/:\d+$/, "")}`;
    const own = this.told.get(key) ?? 0;
    if (own >= eachMost || this.all >= allMost) {
      this.leftOut += 1;
      return;
    }
    this.told.set(key, own + 1);
    this.all += 1;
    this.write(note);
  }

  private begin(): void {
    const { leftOut } = this;
    this.begunAt = this.now();
    this.told.clear();
    this.all = 0;
    this.leftOut = 0;
    if (leftOut === 0) return;
    const summary = `${leftOut} more refused calls of the minutes before are not told: too many came`;
    const nobody = { user: "", credential: "", target: "", peer: "" };
    this.write({ ...nobody, verb: "refused calls", summary, outcome: "resource-exhausted" });
  }
}
