import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { apply, load } from "../coordinator/core/apply.js";
import type { Change } from "../coordinator/core/changes.js";
import { isRowChange, keyOf, type Put, type Table } from "../coordinator/core/changes.js";
import type { Effect } from "../coordinator/core/effects.js";
import type { Event } from "../coordinator/core/events.js";
import { brokenLaws } from "../coordinator/core/invariants.js";
import { emptyState, type State } from "../coordinator/core/memory.js";
import { preparationIdOf } from "../coordinator/core/preparation/readiness.js";
import { defaultSettings, type Settings } from "../coordinator/core/settings.js";
import type { Job } from "../coordinator/core/state.js";
import { type Step, step } from "../coordinator/core/step.js";
import {
  type ExportStateSchema,
  ExportStatesSchema,
  HeartbeatSchema,
  HelloSchema,
  LeaseReportSchema,
  PreparationReportSchema,
} from "../shared/gen/stoker/v1/agent_service_pb.js";
import { ClusterSpecSchema } from "../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../shared/gen/stoker/v1/file_server_pb.js";
import { JobSpecSchema } from "../shared/gen/stoker/v1/job_pb.js";
import { LeasePhase } from "../shared/gen/stoker/v1/lease_pb.js";
import type { FileServingSchema } from "../shared/gen/stoker/v1/node_pb.js";
import { clusterId, experimentId, fileServerId, jobId, nodeId, workspaceId } from "../shared/ids.js";

/** A coordinator's core with rows and a clock, and nothing else: what tests and scenarios play with. */

export type JobInit = MessageInitShape<typeof JobSpecSchema>;
type ReportInit = Exclude<MessageInitShape<typeof LeaseReportSchema>["event"], undefined>;

export const uuid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

/** As the catalog's tables would hold them. */
export class Rows {
  private readonly rows = new Map<string, Put<Table>>();

  write(changes: readonly Change[]): void {
    for (const change of changes) {
      if (!isRowChange(change)) continue;
      if (change.kind === "put") this.rows.set(`${change.table} ${keyOf(change.row)}`, change);
      else {
        this.rows.delete(`${change.table} ${change.key}`);
        if (change.table === "job") this.drop(change.key);
      }
    }
  }

  private drop(job: string): void {
    for (const key of this.rows.keys()) {
      if (key.startsWith(`attempt ${job} `) || key.startsWith(`job-event ${job} `)) this.rows.delete(key);
    }
  }

  all(): Iterable<Put<Table>> {
    return this.rows.values();
  }
}

export class CoreWorld {
  state: State;
  now = 1_000_000;
  readonly rows = new Rows();
  /** Checked after each step; off where only speed counts. */
  checked = true;
  private made = 0;
  private sessions = 0;
  private readonly sessionOf = new Map<string, string>();
  private readonly sequences = new Map<string, number>();
  private beats = 0n;

  constructor(readonly settings: Settings = defaultSettings) {
    this.state = emptyState(settings, this.now);
  }

  send(event: Event): Step {
    const result = step(this.state, event, this.now);
    this.rows.write(result.changes);
    apply(this.state, result.changes);
    if (this.checked) {
      const broken = brokenLaws(this.state);
      if (broken.length > 0) throw new Error(`after ${event.kind}: ${broken.join("; ")}`);
    }
    return result;
  }

  fresh(): string {
    this.made += 1;
    return uuid(this.made);
  }

  /** The coordinator is killed and comes again from its rows. */
  restart(): Step {
    this.state = emptyState(this.settings, this.now);
    load(this.state, this.rows.all() as Iterable<never>);
    this.sessionOf.clear();
    return this.send({ kind: "resume" });
  }

  workspace(name = "w"): Step {
    return this.send({ kind: "workspace-create", uuid: workspaceId(this.fresh()), name, tags: {}, location: "" });
  }

  experiment(name = "e"): Step {
    return this.send({ kind: "experiment-create", uuid: experimentId(this.fresh()), parent: "workspaces/w", name });
  }

  cluster(name: string, spec: MessageInitShape<typeof ClusterSpecSchema>): Step {
    const full = create(ClusterSpecSchema, { vmSize: "any", ...spec });
    return this.send({
      kind: "cluster-create",
      uuid: clusterId(this.fresh()),
      parent: "workspaces/w",
      name,
      spec: full,
    });
  }

  fileServer(name: string, spec: MessageInitShape<typeof FileServerSpecSchema>): Step {
    const full = create(FileServerSpecSchema, spec);
    return this.send({
      kind: "file-server-create",
      uuid: fileServerId(this.fresh()),
      parent: "workspaces/w",
      name,
      spec: full,
    });
  }

  submit(name: string, spec: JobInit): Step {
    const given: JobInit = {
      cluster: { id: "c" },
      nodeCount: 1,
      toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } },
      ...spec,
    } as JobInit;
    const full = create(JobSpecSchema, given);
    return this.send({
      kind: "job-create",
      uuid: jobId(this.fresh()),
      parent: "workspaces/w/experiments/e",
      name,
      spec: full,
    });
  }

  hello(name: string, machine: Machine = {}, held: string[] = []): Step {
    this.sessions += 1;
    const session = `s${this.sessions}`;
    this.sessionOf.set(name, session);
    const { cpus = 4, gpus = 0, memoryGib = 16, bootId = "boot-1", machineClass = "pc" } = machine;
    const hello = create(HelloSchema, {
      nodeName: name,
      address: machine.address ?? `10.0.0.${[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 250}`,
      bootId,
      inventory: {
        machineClass,
        cpus,
        memoryBytes: BigInt(memoryGib) << 30n,
        prepares: machine.prepares ?? false,
        reclaimable: machine.reclaimable ?? false,
        containerRuntime: machine.containers ?? "",
        ...(machine.fileServing ? { fileServing: machine.fileServing } : {}),
        gpus: Array.from({ length: gpus }, (_, index) => ({
          ...{ uuid: `${name}-gpu-${index}`, index },
          links: machine.links ? Array.from({ length: gpus }, (_, other) => machine.links?.(index, other) ?? "") : [],
        })),
      },
      leases: held.map((leaseId) => ({ leaseId, phase: LeasePhase.RUNNING })),
      witnessPort: machine.witnessPort ?? 0,
      witnessSet: BigInt(machine.witnessSet ?? 0),
    });
    return this.send({ kind: "agent-hello", session, freshNode: nodeId(this.fresh()), hello });
  }

  beat(name: string, held: string[] = [], unhealthyReason = "", witnessed: Witnessed = {}): Step {
    this.beats += 1n;
    const heartbeat = create(HeartbeatSchema, {
      sequence: this.beats,
      answeredSequence: witnessed.answered ?? 0n,
      witnessSet: BigInt(witnessed.set ?? 0),
      unhealthyReason,
      leases: held.map((leaseId) => ({ leaseId, phase: LeasePhase.RUNNING })),
    });
    return this.send({ kind: "agent-heartbeat", session: this.sessionOf.get(name) ?? "", node: name, heartbeat });
  }

  gone(name: string): Step {
    return this.send({ kind: "agent-gone", session: this.sessionOf.get(name) ?? "", node: name });
  }

  /** `sequence`: to send one again. */
  report(name: string, leaseId: string, event: ReportInit, sequence?: number): Step {
    const key = `${name} ${leaseId}`;
    const next = sequence ?? (this.sequences.get(key) ?? 0) + 1;
    this.sequences.set(key, Math.max(next, this.sequences.get(key) ?? 0));
    const report = create(LeaseReportSchema, { leaseId, sequence: BigInt(next), event });
    return this.send({ kind: "agent-report", session: this.sessionOf.get(name) ?? "", node: name, report });
  }

  /** How far a node says that it is prepared for its present membership, or for another. */
  prepared(name: string, report: MessageInitShape<typeof PreparationReportSchema>): Step {
    const node = [...this.state.nodes.values()].find((candidate) => candidate.name === name);
    const full = create(PreparationReportSchema, { preparationId: node ? preparationIdOf(node) : "", ...report });
    return this.send({ kind: "agent-preparation", session: this.sessionOf.get(name) ?? "", node: name, report: full });
  }

  /** What its agent says of what it serves to others. */
  exports(name: string, states: Array<MessageInitShape<typeof ExportStateSchema>>): Step {
    const session = this.sessionOf.get(name) ?? "";
    return this.send({
      kind: "agent-exports",
      session,
      node: name,
      states: create(ExportStatesSchema, { exports: states }),
    });
  }

  job(name: string): Job | undefined {
    return [...this.state.jobs.values()].find((job) => job.name === name);
  }

  connected(name: string): boolean {
    return this.sessionOf.has(name);
  }
}

export interface Machine {
  fileServing?: MessageInitShape<typeof FileServingSchema>;
  cpus?: number;
  gpus?: number;
  memoryGib?: number;
  bootId?: string;
  machineClass?: string;
  address?: string;
  witnessPort?: number;
  witnessSet?: number;
  prepares?: boolean;
  reclaimable?: boolean;
  /** podman, docker or apptainer. */
  containers?: string;
  /** How two GPUs are connected. */
  links?: (a: number, b: number) => string;
}

/** What a heartbeat says of answers and witnesses. */
export interface Witnessed {
  answered?: bigint;
  set?: number;
}

export const ready: ReportInit = { case: "ready", value: {} };
export const done: ReportInit = { case: "done", value: {} };
export const exited = (rank: number, exitCode: number, signal = 0): ReportInit => ({
  case: "rankExited",
  value: { rank, exitCode, signal },
});
export const failed = (code: string, message: string, exitCode?: number): ReportInit => ({
  case: "failed",
  value: { error: { code, message }, ...(exitCode === undefined ? {} : { exitCode }) },
});

export type { Effect };
