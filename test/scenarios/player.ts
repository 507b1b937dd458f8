import { create } from "@bufbuild/protobuf";
import { membersOf } from "../../coordinator/core/cluster.js";
import type { Effect } from "../../coordinator/core/effects.js";
import { explain } from "../../coordinator/core/explain.js";
import { nodeStateCounts } from "../../coordinator/core/preparation/condition.js";
import { preparationFaults, preparationLines } from "../../coordinator/core/preparation/readiness.js";
import { executionStateOf } from "../../coordinator/core/queries.js";
import { allocationOf } from "../../coordinator/core/scaling/allocation.js";
import type { Job } from "../../coordinator/core/state.js";
import { Fault } from "../../shared/fault.js";
import { PreparationState } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { ScaleSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { CoreWorld, done, exited, failed, type JobInit, ready } from "../build.js";
import { type Command, parseCommand } from "./script.js";

/** Plays the commands of a scenario against the core and tells what came of each. Attempts are written `job.attempt`. */
export class Player {
  private readonly world = new CoreWorld();
  private readonly told = new Map<string, string>();
  private readonly beating = new Set<string>();

  constructor() {
    this.world.workspace();
    this.world.experiment();
  }

  play(lines: readonly string[]): string {
    const answers: string[] = [];
    for (const line of lines) {
      const command = parseCommand(line);
      if (!command) continue;
      try {
        answers.push(...this.act(command));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        answers.push(`refused: ${error.code}: ${error.message}`);
      }
    }
    return answers.join("\n");
  }

  private act({ verb, words, options }: Command): string[] {
    const [first = "", second = ""] = words;
    const number = (name: string, otherwise: number) => Number(options[name] ?? otherwise);
    switch (verb) {
      case "cluster":
        return this.tell(
          this.world.cluster(first, {
            vmSize: options.class ?? "any",
            vmPriority: options.priority ?? "",
            ...(options.setup
              ? { nodeSetup: { setupTask: { commandLine: options.setup, stdOutErrPathPrefix: "/o" } } }
              : {}),
            scaleSettings: options.max
              ? { autoScale: autoScaleOf(options) }
              : { manual: { targetNodeCount: number("size", 1) } },
          }),
        );
      case "node": {
        this.beating.add(first);
        const machine = {
          cpus: number("cpus", 4),
          gpus: number("gpus", 0),
          bootId: options.boot ?? "boot-1",
          prepares: options.prepares === "yes",
          reclaimable: options.lent === "yes",
          machineClass: options.class ?? "pc",
        };
        // With its first heartbeat: before that nothing is concluded from what it does not hold.
        return [
          ...this.tell(this.world.hello(first, machine, this.leases(options.held))),
          ...this.tell(this.world.beat(first, this.leases(options.held))).filter((line) => !line.startsWith("renew")),
        ];
      }
      case "beat":
        return this.tell(this.world.beat(first, this.leases(options.held), options.unhealthy ?? ""));
      case "prepares":
        return this.tell(this.world.prepared(first, preparationOf(options)));
      case "retry":
        return this.tell(this.world.send({ kind: "node-retry", id: `nodes/${first}` }));
      case "cluster-state":
        return this.clusterState(first);
      case "submit":
        return this.tell(this.world.submit(first, specOf(options)));
      case "ready":
        return this.report(first, second, options, ready);
      case "exit":
        return this.report(first, second, options, exited(number("rank", 0), number("code", 0), number("signal", 0)));
      case "fail":
        return this.report(
          first,
          second,
          options,
          failed(options.error ?? "NodeStorageFailed", "it said so", options.code ? number("code", 1) : undefined),
        );
      case "done":
        return this.report(first, second, options, done);
      case "terminate":
        return this.tell(this.world.send({ kind: "job-terminate", id: idOf(first) }));
      case "delete":
        return this.tell(this.world.send({ kind: "job-delete", id: idOf(first) }));
      case "drain":
        return this.tell(this.world.send({ kind: "node-drain", id: `nodes/${first}`, reason: options.reason ?? "" }));
      case "reclaim":
        return this.tell(
          this.world.send({
            kind: "node-reclaim",
            id: `nodes/${first}`,
            reason: options.reason ?? "",
            ...(options.grace ? { graceSeconds: Number(options.grace) } : {}),
          }),
        );
      case "delete-cluster":
        return this.tell(this.world.send({ kind: "cluster-delete", id: `workspaces/w/clusters/${first}` }));
      case "resize":
        return this.tell(
          this.world.send({
            kind: "cluster-resize",
            id: `workspaces/w/clusters/${first}`,
            scale: create(
              ScaleSettingsSchema,
              options.max
                ? { autoScale: autoScaleOf(options) }
                : { manual: { targetNodeCount: number("size", 1), nodeDeallocationOption: options.busy ?? "" } },
            ),
          }),
        );
      case "resume":
        return this.tell(this.world.send({ kind: "node-resume", id: `nodes/${first}` }));
      case "cut":
        this.beating.delete(first);
        return this.tell(this.world.gone(first));
      case "silence":
        this.beating.delete(first);
        return [];
      case "wait":
        return this.wait(Number.parseFloat(first));
      case "freeze":
        this.world.now += Number.parseFloat(first) * 1000;
        return [];
      case "restart":
        this.beating.clear();
        return this.tell(this.world.restart());
      case "explain":
        return this.explain(first);
      case "nodes":
        return [...this.world.state.nodes.values()].map(({ name, cluster }) => {
          const owner = cluster && this.world.state.clusters.get(cluster);
          return `${name} ${owner ? `in ${owner.name}` : "free"}`;
        });
      case "jobs":
        return [...this.world.state.jobs.values()].map((job) => describe(job));
      default:
        throw new Error(`there is no command "${verb}"`);
    }
  }

  /** Ticks each second; who is connected heartbeats every two, with what it should hold. */
  private wait(seconds: number): string[] {
    const answers: string[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      this.world.now += 1000;
      if (second % 2 === 0) {
        for (const node of this.beating) {
          answers.push(
            ...this.tell(this.world.beat(node, this.heldBy(node))).filter((line) => !line.startsWith("renew")),
          );
        }
      }
      for (const line of this.tell(this.world.send({ kind: "tick" }))) answers.push(`${second}s ${line}`);
    }
    return answers;
  }

  private heldBy(name: string): string[] {
    const node = [...this.world.state.nodes.values()].find((candidate) => candidate.name === name);
    const holders = (node && this.world.state.index.usage.get(node.uuid)?.holders) ?? [];
    return holders.filter(({ zombie }) => !zombie).map(({ lease }) => lease);
  }

  private leases(text: string | undefined): string[] {
    return (text ?? "")
      .split(",")
      .filter((word) => word !== "")
      .map((word) => this.lease(word));
  }

  /** `j1.2` or, for the present attempt, `j1`. */
  private lease(text: string): string {
    const [name = "", attempt] = text.split(".");
    const job = this.world.job(name);
    return `${job?.uuid ?? "00000000-0000-4000-8000-00000000dead"}.${attempt ?? job?.attempt ?? 1}`;
  }

  private report(
    lease: string,
    node: string,
    options: Command["options"],
    event: Parameters<CoreWorld["report"]>[2],
  ): string[] {
    const sequence = options.sequence ? Number(options.sequence) : undefined;
    return this.tell(this.world.report(node, this.lease(lease), event, sequence)).filter(
      (line) => !line.startsWith("ack"),
    );
  }

  private tell({ effects }: { effects: readonly Effect[] }): string[] {
    return effects.flatMap((effect) => this.line(effect));
  }

  private line(effect: Effect): string[] {
    switch (effect.kind) {
      case "grant-lease": {
        const ranks = effect.grant.ranks.map(({ rank }) => rank).join(",");
        return [`grant ${this.short(effect.grant.leaseId)} to ${effect.node}${ranks === "" ? "" : ` ranks ${ranks}`}`];
      }
      case "start-ranks":
        return [`start ${this.short(effect.lease)} on ${effect.node}`];
      case "set-mounts":
        return effect.plan.setupTask ? [`prepare ${effect.node}: ${effect.plan.setupTask.commandLine}`] : [];
      case "stop-lease":
        return [
          `${effect.graceful ? "stop" : "kill"} ${this.short(effect.lease)} on ${effect.node}${effect.graceSeconds === undefined ? "" : ` within ${effect.graceSeconds} s`}`,
        ];
      case "welcome":
        return [
          `welcome ${effect.node}${effect.keptLeaseIds.length > 0 ? ` keeps ${this.shorts(effect.keptLeaseIds)}` : ""}`,
        ];
      case "refuse-session":
        return [`refuse ${effect.node}: ${effect.reason}`];
      case "heartbeat-reply":
        return [
          ...(effect.renewedLeaseIds.length > 0
            ? [`renew ${this.shorts(effect.renewedLeaseIds)} on ${effect.node}`]
            : []),
          ...(effect.supersededLeaseIds.length > 0
            ? [`supersede ${this.shorts(effect.supersededLeaseIds)} on ${effect.node}`]
            : []),
        ];
      case "ignored":
        return [`ignored ${effect.node}: ${this.shorten(effect.reason)}`];
      case "job-changed": {
        const job = this.world.state.jobs.get(effect.job);
        const text = job ? describe(job) : "";
        if (!job || this.told.get(job.name) === text) return [];
        this.told.set(job.name, text);
        return [text];
      }
      case "node-changed": {
        const node = this.world.state.nodes.get(effect.node);
        const lost = node?.lost ? "lost" : "";
        if (!node || (this.told.get(`node ${node.name}`) ?? "") === lost) return [];
        this.told.set(`node ${node.name}`, lost);
        return [`node ${node.name} is ${lost === "" ? "back" : lost}`];
      }
      default:
        return [];
    }
  }

  private explain(name: string): string[] {
    const job = this.world.job(name);
    if (!job) return ["there is no such job"];
    const { summary, reasons } = explain(this.world.state, job, this.world.now);
    const short = (ids: readonly string[]) => ids.map((id) => id.split("/").at(-1)).join(",");
    return [
      summary,
      ...reasons.map(
        ({ check, message, nodes, heldBy }) => `  ${check}: ${message} [${nodes.join(",")}] [${short(heldBy)}]`,
      ),
    ];
  }

  private clusterState(name: string): string[] {
    const cluster = [...this.world.state.clusters.values()].find((candidate) => candidate.name === name);
    if (!cluster) return ["there is no such cluster"];
    const counts = Object.entries(nodeStateCounts(this.world.state, cluster)).filter(([, count]) => count > 0);
    const members = [...membersOf(this.world.state, cluster)];
    const { steady, shortage } = allocationOf(this.world.state, cluster);
    return [
      counts.map(([state, count]) => `${count} ${state}`).join(", ") || "no nodes",
      ...(cluster.deletingSince === undefined ? [] : ["  deleting"]),
      ...(steady ? [] : [`  resizing${shortage === "" ? "" : `: ${shortage}`}`]),
      ...preparationLines(this.world.state, members, this.world.now).map((line) => `  ${line}`),
      ...preparationFaults(this.world.state, members).map(({ code, message }) => `  ${code}: ${message}`),
    ];
  }

  private short(lease: string): string {
    const [uuid = "", attempt] = lease.split(".");
    const job = [...this.world.state.jobs.values()].find((candidate) => candidate.uuid === uuid);
    return `${job?.name ?? "?"}.${attempt}`;
  }

  private shorts(leases: readonly string[]): string {
    return leases.map((lease) => this.short(lease)).join(",");
  }

  private shorten(text: string): string {
    return text.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d+/g, (lease) => this.short(lease));
  }
}

const autoScaleOf = ({ min, max, initial }: Command["options"]) => ({
  minimumNodeCount: Number(min ?? 0),
  maximumNodeCount: Number(max ?? 0),
  initialNodeCount: Number(initial ?? 0),
});

function preparationOf({ doing, error, seconds = "0" }: Command["options"]): Parameters<CoreWorld["prepared"]>[1] {
  if (error) return { state: PreparationState.FAILED, error: { code: error, message: "it said so" } };
  if (doing === undefined) return { state: PreparationState.READY };
  return { state: PreparationState.PREPARING, doing: doing.replaceAll("-", " "), ageMs: BigInt(seconds) * 1000n };
}

const idOf = (job: string) => `workspaces/w/experiments/e/jobs/${job}`;

function describe(job: Job): string {
  const { state } = job;
  const attempt = job.attempt > 0 ? ` attempt ${job.attempt}` : "";
  if (state.kind !== "finished") return `${job.name}: ${executionStateOf(job)} (${state.kind})${attempt}`;
  const { exitCode, errors } = state.outcome;
  const code = exitCode === undefined ? "" : ` exit ${exitCode}`;
  return `${job.name}: ${executionStateOf(job)}${attempt}${code}${errors[0] ? ` ${errors[0].code}` : ""}`;
}

function specOf(options: Command["options"]): JobInit {
  const {
    nodes = "1",
    cluster = "c",
    priority = "",
    wall,
    cpus,
    gpus,
    retry,
    sweep,
    limit = "0",
    toolkit = "custom",
    procs = "0",
  } = options;
  const processCount = Number(procs);
  const kinds: Record<string, JobInit["toolkit"]> = {
    custom: { case: "customToolkitSettings", value: { commandLine: "true" } },
    mpi: { case: "customMpiSettings", value: { commandLine: "true", processCount } },
    tensorflow: { case: "tensorFlowSettings", value: { pythonScriptFilePath: "t.py" } },
    torch: { case: "pyTorchSettings", value: { pythonScriptFilePath: "t.py", processCount } },
  };
  return {
    cluster: { id: cluster },
    nodeCount: Number(nodes),
    schedulingPriority: priority,
    toolkit: kinds[toolkit] ?? { case: undefined },
    ...(wall ? { constraints: { maxWallClockTime: wall } } : {}),
    ...(cpus || gpus ? { resources: { cpus: Number(cpus ?? 1), gpus: Number(gpus ?? 0) } } : {}),
    ...(retry ? { retry: { maxCount: Number(retry) } } : {}),
    ...(sweep ? { sweep: { name: sweep, index: 1, maxRunning: Number(limit) } } : {}),
  };
}
