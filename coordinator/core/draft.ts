import type { ClusterId, JobId, NodeId } from "../../shared/ids.js";
import type { Origin } from "./access/audit.js";
import { applyOne } from "./apply.js";
import { type Change, keyOf, type Rows, type Table } from "./changes.js";
import type { Effect } from "./effects.js";
import { fork, type World } from "./memory.js";
import { withSealed } from "./secrets/reference.js";
import type { Instant, Job } from "./state.js";

/** Made of admitted specs, where nobody can have written a reference by hand. */
const holdsPlans: ReadonlySet<Effect["kind"]> = new Set<Effect["kind"]>(["grant-lease", "set-mounts"]);

/** One step in the making: a copy of the world that already shows what was decided, and the list of it. */
export class Draft {
  readonly world: World;
  /** Clusters to look over again before the step ends: jobs may start, nodes be taken or let go. */
  readonly touched = new Set<ClusterId>();
  /** Membership of every cluster is to be looked over. */
  membershipStale = false;
  /** An experiment went: a workspace may go with it. */
  withdrawalStale = false;
  /** Jobs that came into a queue in this step. */
  readonly fresh: Job[] = [];
  /** A row that is put twice in a step is written once, as it is at the end. */
  private readonly rows = new Map<string, Change>();
  private readonly memory: Change[] = [];
  private readonly orders: Effect[] = [];
  private readonly noticed = new Set<string>();
  private readonly nodes = new Set<NodeId>();

  constructor(
    base: World,
    readonly now: Instant,
    /** Absent of what nobody has asked for. */
    readonly origin?: Origin | undefined,
  ) {
    this.world = fork(base);
  }

  put<T extends Table>(table: T, row: Rows[T]): void {
    // Typescript can't see that a table and its own row make one of the union's members.
    this.record(`${table} ${keyOf(row)}`, { kind: "put", table, row } as Change);
  }

  delete(table: Exclude<Table, "attempt" | "job-event">, key: string): void {
    // After the puts of the same step, and instead of those of what goes along with it.
    for (const row of this.rows.keys()) {
      if (table === "job" && (row.startsWith(`attempt ${key} `) || row.startsWith(`job-event ${key} `))) {
        this.rows.delete(row);
      }
    }
    this.rows.delete(`${table} ${key}`);
    this.record(`${table} ${key}`, { kind: "delete", table, key });
  }

  /** In memory only. */
  note(change: Exclude<Change, { kind: "put" | "delete" }>): void {
    applyOne(this.world, change);
    this.memory.push(change);
  }

  queued(job: Job): void {
    this.fresh.push(job);
    this.touched.add(job.request.cluster);
  }

  order(effect: Effect): void {
    this.orders.push(holdsPlans.has(effect.kind) ? withSealed(this.world, effect) : effect);
  }

  /** Watchers are told once a step, after everything else. */
  jobChanged(job: JobId): void {
    this.noticed.add(`job ${job}`);
  }

  get changedNodes(): ReadonlySet<NodeId> {
    return this.nodes;
  }

  nodeChanged(node: NodeId): void {
    this.nodes.add(node);
    this.noticed.add(`node ${node}`);
  }

  get hasRows(): boolean {
    return this.rows.size > 0;
  }

  get changes(): Change[] {
    return [...this.rows.values(), ...this.memory];
  }

  get effects(): Effect[] {
    const notices = [...this.noticed].map((text): Effect => {
      const [noun, uuid] = text.split(" ");
      if (noun === "node") return { kind: "node-changed", node: uuid as NodeId };
      const job = uuid as JobId;
      return this.world.jobs.has(job) ? { kind: "job-changed", job } : { kind: "job-deleted", job };
    });
    return [...this.orders, ...notices];
  }

  private record(key: string, change: Change): void {
    applyOne(this.world, change);
    this.rows.set(key, change);
  }
}
