import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { membersMax } from "../../coordinator/core/witnesses/set.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import type { ServiceClient } from "../../shared/grpc.js";
import { furnish, parent } from "../lab/chaos/furnish.js";
import type { NodeVictim } from "../lab/chaos/ground.js";
import { HostGround } from "../lab/chaos/host-ground.js";
import { specOf } from "../lab/chaos/jobs.js";
import { type Journal, readJournals } from "../lab/chaos/journal.js";
import { listJobs, stateOf } from "../lab/chaos/outcome.js";
import { until } from "../lab/machines/until.js";

const markEveryMs = 20;

const knows = (data: string, nodes: number) => {
  const path = join(data, "witnesses.json");
  return existsSync(path) && readFileSync(path, "utf8").split('"port"').length - 1 === Math.min(nodes, membersMax);
};

/** A site of its own whose nodes can be cut off, stopped and lost, and jobs that mark the time while they run. */
export class FaultSite {
  readonly #jobs: ServiceClient<typeof JobService>;

  private constructor(readonly ground: HostGround) {
    this.#jobs = ground.connect().client(JobService);
  }

  /** One slot a node: no job is beside another. */
  static async start(
    nodes: number,
    times: { ttlMs: number; marginMs: number; heartbeatMs: number },
  ): Promise<FaultSite> {
    const ground = await HostGround.raise({ nodes, cpusPerNode: 1, ...times });
    try {
      await furnish(ground.connect(), ground);
      await until(
        "every node knows all witnesses",
        async () => ground.nodes.every(({ data }) => knows(data, nodes)),
        60_000,
      );
      // So that the coordinator knows that they do: until then it rightly reckons with the few of the start.
      await delay(3 * times.heartbeatMs);
    } catch (error) {
      await ground.stop();
      throw error;
    }
    return new FaultSite(ground);
  }

  stop(): Promise<void> {
    return this.ground.stop();
  }

  /** Runs until it is terminated. */
  async submit(name: string, nodeCount: number): Promise<void> {
    const command = this.ground.rankCommand(["stubborn", "1000000", "0", "0", String(markEveryMs)]);
    const plan = {
      name,
      nodeCount,
      cpus: 1,
      manner: "stubborn",
      lines: 0,
      exitCode: 0,
      retries: 0,
      padding: 0,
    } as const;
    await this.#jobs.createJob({ parent, name, spec: specOf({ ...plan, terminateAfterMs: undefined }, command) });
  }

  /** Not of all at each look: the nodes' wires are in this process, and stand still while it reads. */
  journals(job: string, attempt?: number): Journal[] {
    const of = attempt === undefined ? { job } : { job, attempt };
    return readJournals(this.ground.journals, of).filter(({ marks }) => marks.length > 0);
  }

  /** The nodes of an attempt all of whose ranks have begun. */
  async running(job: string, attempt: number, nodeCount: number): Promise<NodeVictim[]> {
    const names = await until(
      `attempt ${attempt} of ${job} runs on ${nodeCount} nodes`,
      async () => {
        const own = this.journals(job, attempt);
        return own.length === nodeCount && own.sort((a, b) => a.rank - b.rank).map(({ node }) => node);
      },
      120_000,
      20,
    );
    return names.map((name) => {
      const node = this.ground.nodes.find((each) => each.name === name);
      if (node === undefined) throw new Error(`there is no node ${name}`);
      return node;
    });
  }

  async terminateAll(): Promise<void> {
    const left = async () => (await listJobs(this.#jobs, parent)).filter((job) => stateOf(job) === "unended");
    for (const { id } of await left()) await this.#jobs.terminateJob({ id });
    await until("the jobs have ended", async () => (await left()).length === 0, 120_000);
    let found: string[] = [];
    const clean = async () => {
      found = await this.ground.leftovers();
      return found.length === 0;
    };
    await until("nothing is left", clean, 60_000).catch((cause: unknown) => {
      throw new Error(`left behind: ${found.slice(0, 10).join(", ")}`, { cause });
    });
  }
}
