import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { ExecutionState, type Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";
import { RecordedSmi } from "../fakes/recorded-smi/scene.js";

const parent = "workspaces/lab/experiments/faults";
const gpusPerNode = 8;
const recording = resolve(import.meta.dirname, "../fixtures/nvidia-smi/xml/v13-580.105-8x-h100.xml");
/** As the kernel writes them: the coordinator has no need of them. */
const buses = [...readFileSync(recording, "utf8").matchAll(/<gpu id="0000(0000:..:..)\.0">/g)].map(([, bus = ""]) =>
  bus.toLowerCase(),
);

/** A job of one GPU, and where it runs. */
export interface Victim {
  job: string;
  node: string;
  uuid: string;
}

/** Agents whose machines have eight recorded H100, and a kernel's log that is a file; with jobs of one GPU that run until they are told to end. */
export class GpuSite {
  readonly #smi = new Map<string, RecordedSmi>();
  readonly #connection: Connection;

  private constructor(
    readonly local: LocalSite,
    readonly folder: string,
    readonly nodes: readonly string[],
  ) {
    this.#connection = connect(local.address, local.credential);
  }

  static async start(count: number): Promise<GpuSite> {
    const folder = mkdtempSync(join(tmpdir(), "stoker-gpu-faults-"));
    const nodes = Array.from({ length: count }, (_, at) => `g${at + 1}`);
    const smi = new Map<string, RecordedSmi>();
    for (const node of nodes) {
      smi.set(node, new RecordedSmi(join(folder, "smi", node), recording));
      mkdirSync(join(folder, "marks"), { recursive: true });
      writeFileSync(kernelOf(folder, node), "");
    }
    const flagsOf = (node: string) => {
      const program = smi.get(node)?.program ?? "";
      return ["--cpus", "16", "--nvidia-smi", program, "--kernel-log", kernelOf(folder, node)];
    };
    const site = new GpuSite(await LocalSite.start({ folder: join(folder, "site"), nodes, flagsOf }), folder, nodes);
    for (const [node, each] of smi) site.#smi.set(node, each);
    try {
      await site.#furnish();
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  async stop(): Promise<void> {
    this.#connection.close();
    await this.local.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  busOf(index: number): string {
    return buses[index] ?? "";
  }

  smi(node: string): RecordedSmi {
    const smi = this.#smi.get(node);
    if (!smi) throw new Error(`there is no node ${node}`);
    return smi;
  }

  /** The records lie so many seconds apart, the last one now. */
  kernelSays(node: string, lines: readonly string[]): void {
    const nowUs = Number(process.hrtime.bigint() / 1000n);
    const records = lines.map(
      (line, at) => `4,${nowUs + at},${nowUs - (lines.length - 1 - at) * 1_000_000},-;${line}\n`,
    );
    appendFileSync(kernelOf(this.folder, node), records.join(""));
  }

  /** Its first rank ends, with an exit code of its program's own. */
  endProgram(job: string): void {
    writeFileSync(join(this.folder, "marks", `${job}.end`), "");
  }

  /** Milliseconds since the epoch at which its attempts began. */
  starts(job: string): number[] {
    try {
      return readFileSync(join(this.folder, "marks", job), "utf8")
        .split("\n")
        .filter(Boolean)
        .map(Number);
    } catch {
      // Not yet.
      return [];
    }
  }

  async submit(names: readonly string[]): Promise<Victim[]> {
    const jobs = this.#connection.client(JobService);
    for (const name of names) {
      const mark = join(this.folder, "marks", name);
      const commandLine = `date +%s%3N >> ${mark}; while [ ! -e ${mark}.end ]; do sleep 0.2; done; exit 3`;
      const toolkit = { case: "customToolkitSettings" as const, value: { commandLine } };
      const spec = { cluster: { id: "all" }, nodeCount: 1, resources: { gpus: 1, cpus: 1 }, toolkit };
      await jobs.createJob({ parent, name, spec });
    }
    await until("they run", () => names.every((name) => this.starts(name).length === 1) || undefined, 60_000, 100);
    return Promise.all(
      names.map(async (job) => {
        const first = (await this.job(job)).attempts[0]?.nodes[0];
        return { job, node: first?.name ?? "", uuid: first?.gpuUuids[0] ?? "" };
      }),
    );
  }

  async job(name: string): Promise<Job> {
    const { job } = await this.#connection.client(JobService).getJob({ id: `${parent}/jobs/${name}` });
    if (!job) throw new Error(`there is no job ${name}`);
    return job;
  }

  async terminate(names: readonly string[]): Promise<void> {
    const jobs = this.#connection.client(JobService);
    await Promise.all(names.map((name) => jobs.terminateJob({ id: `${parent}/jobs/${name}` })));
    for (const name of names) await until(`${name} has ended`, async () => isOver(await this.job(name)), 60_000);
  }

  async list(): Promise<Map<string, Node>> {
    const { nodes } = await this.#connection.client(NodeService).listNodes({});
    return new Map(nodes.map((node) => [node.name, node]));
  }

  async node(name: string): Promise<Node> {
    const node = (await this.list()).get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }

  get nodeService() {
    return this.#connection.client(NodeService);
  }

  async #furnish(): Promise<void> {
    await this.#connection.client(WorkspaceService).createWorkspace({ name: "lab" });
    const scaleSettings = { manual: { targetNodeCount: this.nodes.length } };
    const clusters = this.#connection.client(ClusterService);
    await clusters.createCluster({ parent: "workspaces/lab", name: "all", spec: { vmSize: "any", scaleSettings } });
    await this.#connection.client(ExperimentService).createExperiment({ parent: "workspaces/lab", name: "faults" });
    const all = async () => {
      const nodes = [...(await this.list()).values()];
      const ready = nodes.every(
        ({ clusterId, inventory }) => clusterId !== "" && inventory?.gpus.length === gpusPerNode,
      );
      return (nodes.length === this.nodes.length && ready) || undefined;
    };
    await until("the cluster has its nodes, with their GPUs", all, 60_000, 200);
  }
}

const kernelOf = (folder: string, node: string) => join(folder, "smi", `${node}.kmsg`);

const isOver = ({ executionState: state }: Job) =>
  state === ExecutionState.SUCCEEDED || state === ExecutionState.FAILED || undefined;
