import type { LeaseRun } from "../../../agent/core/lease-state.js";
import type { Put, RowChange, Table } from "../../../coordinator/core/changes.js";
import type { Job, Node } from "../../../coordinator/core/state.js";
import type { LeaseId } from "../../../shared/ids.js";

/** Which transitions of the state machines were taken, by name, and how often. */
export class Coverage {
  readonly taken = new Map<string, number>();
  /** Of jobs, in words. */
  readonly history: string[] = [];
  /** By machine and lease. */
  private readonly phases = new Map<string, string>();

  row(before: { [T in Table]: Put<T> }[Table] | undefined, change: RowChange): void {
    switch (change.table) {
      case "job":
        this.job(before?.table === "job" ? before.row : undefined, change.kind === "put" ? change.row : undefined);
        return;
      case "node":
        this.node(before?.table === "node" ? before.row : undefined, change.kind === "put" ? change.row : undefined);
        return;
      case "attempt": {
        if (change.kind === "delete") return;
        const was = before?.table === "attempt" ? before.row.state : "new";
        if (was !== change.row.state) this.take(`attempt: ${was} → ${change.row.state}`);
        return;
      }
      default:
        return;
    }
  }

  /** An agent's lease is in this phase now. */
  lease(machine: string, leases: ReadonlyMap<LeaseId, LeaseRun>): void {
    for (const [lease, run] of leases) {
      const { progress, frozen } = run;
      const step = "step" in progress ? ` ${progress.step}` : "";
      this.phase(`${machine} ${lease}`, `${progress.phase}${step}${frozen ? " frozen" : ""}`);
    }
  }

  private phase(key: string, phase: string): void {
    const before = this.phases.get(key);
    if (before === phase) return;
    this.phases.set(key, phase);
    this.take(`agent lease: ${before ?? "new"} → ${phase}`);
  }

  /** The agent has another memory now: an adopted lease may stand elsewhere. */
  restarted(machine: string): void {
    for (const key of [...this.phases.keys()]) if (key.startsWith(`${machine} `)) this.phases.delete(key);
  }

  private job(before: Job | undefined, after: Job | undefined): void {
    const was = before?.state.kind ?? "new";
    const is = after?.state.kind ?? "gone";
    if (was !== is) {
      this.take(`job: ${was} → ${is}`);
      const { name, attempt } = after ?? (before as Job);
      this.history.push(`${after?.state.since ?? ""} ${name} ${attempt} ${is}`);
    }
    const lease = before && "lease" in before.state ? before.state.lease : undefined;
    const then = after && "lease" in after.state ? after.state.lease : undefined;
    for (const share of then?.shares ?? []) {
      const earlier = lease?.id === then?.id ? lease?.shares.find(({ node }) => node === share.node) : undefined;
      if (earlier?.phase !== share.phase) this.take(`share: ${earlier?.phase ?? "new"} → ${share.phase}`);
    }
    if (lease && !then) {
      const open = lease.shares.filter(({ phase }) => phase === "granted" || phase === "ready");
      for (const { phase } of open) this.take(`share: ${phase} → over`);
    }
  }

  private node(before: Node | undefined, after: Node | undefined): void {
    if (!before || !after) {
      this.take(before ? "node: here → forgotten" : "node: new → here");
      return;
    }
    const changes: Array<[string, unknown, unknown]> = [
      ["lost", before.lost, after.lost],
      ["drained", before.drained, after.drained],
      ["reclaimed", before.drained?.reclaimed, after.drained?.reclaimed],
      ["leaving", before.leaving, after.leaving],
      ["member", before.cluster, after.cluster],
    ];
    for (const [name, was, is] of changes) {
      if (was === undefined && is !== undefined) this.take(`node: here → ${name}`);
      if (was !== undefined && is === undefined) this.take(`node: ${name} → here`);
    }
    if (after.zombies.length > before.zombies.length) this.take("node: zombie left");
    if (after.zombies.length < before.zombies.length) this.take("node: zombie gone");
    if (before.bootId !== after.bootId) this.take("node: started anew");
  }

  private take(transition: string): void {
    this.taken.set(transition, (this.taken.get(transition) ?? 0) + 1);
  }
}
