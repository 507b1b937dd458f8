import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gpuFaults, type InjectedFault, type NodeFault, nodeFaults } from "../../gpu-faults/faults.js";
import { until } from "../machines/until.js";
import type { Attempt, Job, JobView } from "../site/job.js";
import { nothingLeft } from "../site/leftovers.js";
import { RecordedGpus } from "../site/recorded-gpus.js";
import { Site } from "../site/site.js";
import { type Scenario, type Stage, say } from "../stage.js";

const gpusPerMachine = 8;
const neighbourCount = 7;
const share = "$AZ_BATCHAI_JOB_MOUNT_ROOT/share";

interface Node {
  name: string;
  clusterId?: string;
  reason?: string;
  inventory?: { gpus?: Array<{ uuid: string; index?: number }> };
  gpuHealth?: Array<{ uuid: string; state: string }>;
  gpuFaults?: Array<{ uuid: string; state: string; rule: string; message: string }>;
  failures?: Array<{ gpuUuid?: string; message: string }>;
}

interface Shown extends JobView {
  attempts?: Array<Attempt & { nodes?: Array<{ name: string; gpuUuids?: string[] }> }>;
  executionInfo?: { errors?: Array<{ details?: Array<{ name: string; value: string }> }> };
}

/** A job of one GPU, and where it ran first. */
interface Victim {
  job: Job;
  node: string;
  uuid: string;
}

interface Row {
  fault: string;
  outMs: number;
  faultClass: string;
  sentence: string;
  again: string;
  neighbours: number;
}

/** It marks its beginning on the share, and runs until it is told to end with an exit code of its own. */
const body = (name: string) => ({
  nodeCount: 1,
  resources: { gpus: 1, cpus: 1 },
  customToolkitSettings: {
    commandLine: `date +%s%3N >>${share}/marks/${name}; while [ ! -e ${share}/marks/${name}.end ]; do sleep 0.5; done; exit 3`,
  },
  mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] },
});

class Room {
  readonly gpus = new Map<string, RecordedGpus>();
  readonly rows: Row[] = [];
  readonly #limitMs: number;
  readonly #marks: string;

  constructor(
    private readonly site: Site,
    stage: Stage,
  ) {
    this.#limitMs = 60_000 * stage.slowness;
    this.#marks = join(stage.lab.filer.shareFolder, "marks");
    mkdirSync(this.#marks, { recursive: true });
  }

  nodes = () => this.site.coordinator.ask<Node[]>(["node", "list"]);
  node = (name: string) => this.site.coordinator.ask<Node>(["node", "show", name]);
  show = (job: Job) => job.show() as Promise<Shown>;
  path = (name: string) => join(this.#marks, name);

  /** Milliseconds since the epoch at which a job's attempts began. */
  begins(name: string): number[] {
    if (!existsSync(this.path(name))) return [];
    return readFileSync(this.path(name), "utf8").split("\n").filter(Boolean).map(Number);
  }

  machine(name: string): RecordedGpus {
    const machine = this.gpus.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  within = <T>(what: string, look: () => Promise<T | undefined | false>) => until(what, look, this.#limitMs, 100);

  async submit(names: readonly string[]): Promise<Victim[]> {
    const jobs: Job[] = [];
    for (const name of names) jobs.push(await this.site.submit(name, body(name)));
    await this.within("they run", async () => names.every((name) => this.begins(name).length === 1));
    const victims: Victim[] = [];
    for (const job of jobs) {
      const [first] = (await this.show(job)).attempts?.[0]?.nodes ?? [];
      victims.push({ job, node: first?.name ?? "", uuid: first?.gpuUuids?.[0] ?? "" });
    }
    return victims;
  }

  /** The attempt of each running job but one. */
  async others(but: readonly string[]): Promise<Map<string, number>> {
    const jobs = await this.site.coordinator.ask<Array<JobView & { name: string }>>([
      ...["job", "list", "-w", "lab", "-e", "scenario"],
    ]);
    const running = jobs.filter(({ name, executionState }) => executionState === "running" && !but.includes(name));
    return new Map(running.map(({ name, attempt }) => [name, attempt ?? 0]));
  }

  async inject(fault: InjectedFault, { job, node, uuid }: Victim): Promise<void> {
    const before = await this.others([job.name]);
    const gpu = (await this.node(node)).inventory?.gpus?.find((each) => each.uuid === uuid);
    assert.ok(gpu, `${node} has no GPU ${uuid}`);
    const [index, machine, at] = [gpu.index ?? 0, this.machine(node), Date.now()];
    if (fault.gpu) await machine.gpu(index, fault.gpu);
    if (fault.kernel) await machine.kernelSays(fault.kernel(machine.busOf(index)));
    if (fault.programEnds) writeFileSync(this.path(`${job.name}.end`), "");
    const row =
      fault.becomes === "healthy"
        ? await this.#blamed(fault, job, at)
        : await this.#out(fault, { job, node, uuid }, at);
    const after = await this.others([job.name]);
    assert.deepEqual(after, before, `${fault.name}: other jobs noticed`);
    this.rows.push({ fault: fault.name, ...row, neighbours: before.size });
  }

  /** Of whole machines: nothing new begins there. */
  async injectInto(name: string, fault: NodeFault, here: readonly Victim[]): Promise<void> {
    const ended = fault.endsJobs ? here.map(({ job }) => job.name) : [];
    const before = await this.others(ended);
    const [machine, at] = [this.machine(name), Date.now()];
    if (fault.scene) await machine.change(fault.scene);
    if (fault.kernel) await machine.kernelSays(fault.kernel);
    const node = await this.within(`${fault.name}: ${name} takes nothing new`, async () => {
      const now = await this.node(name);
      return fault.sentence.test(now.reason ?? "") && now;
    });
    const outMs = Date.now() - at;
    assert.ok(node.failures?.some(({ gpuUuid = "", message }) => gpuUuid === "" && fault.sentence.test(message)));
    for (const job of ended) {
      await this.within(`${job} runs elsewhere`, async () => this.begins(job).length === 2);
      this.#isElsewhere(await this.show(here.find((each) => each.job.name === job)?.job ?? raise(job)), { node: name });
    }
    assert.deepEqual(await this.others(ended), before, `${fault.name}: other jobs noticed`);
    const again = ended.length === 0 ? "" : `${ended.length} jobs`;
    this.rows.push({
      ...{ fault: fault.name, outMs, faultClass: "node" },
      ...{ sentence: node.reason ?? "", again, neighbours: before.size },
    });
  }

  /** The GPU leaves the scheduling, with the sentence; what ran on a failed one runs elsewhere. */
  async #out(fault: InjectedFault, { job, node, uuid }: Victim, at: number) {
    const told = await this.within(`${fault.name}: GPU ${uuid} of ${node} is ${fault.becomes}`, async () => {
      const now = await this.node(node);
      const isOut = now.gpuHealth?.find((each) => each.uuid === uuid)?.state === fault.becomes;
      return isOut && now.gpuFaults?.find((each) => each.uuid === uuid);
    });
    const outMs = Date.now() - at;
    assert.equal(told.rule, fault.rule);
    assert.match(told.message, fault.sentence);
    const row = { outMs, faultClass: `gpu, ${told.state}`, sentence: told.message };
    if (fault.becomes !== "failed") {
      assert.equal((await this.show(job)).attempt, 1);
      return { ...row, again: "goes on" };
    }
    const again = await this.within(`${fault.name}: ${job.name} runs again`, async () => this.begins(job.name)[1]);
    const view = await this.show(job);
    // No retries were asked for: it has used up none.
    assert.equal(view.attempt, 2);
    const [first] = view.attempts ?? [];
    assert.equal(first?.state, "failed");
    assert.match(first?.reason ?? "", fault.sentence);
    const next = this.#isElsewhere(view, { node, uuid });
    return { ...row, again: `${next} after ${seconds(again - at)}` };
  }

  async #blamed(fault: InjectedFault, job: Job, at: number) {
    const view = await this.within(`${fault.name}: ${job.name} fails`, async () => {
      const now = await this.show(job);
      return now.executionState === "failed" && now;
    });
    const outMs = Date.now() - at;
    const details = new Map(view.executionInfo?.errors?.[0]?.details?.map(({ name, value }) => [name, value]));
    assert.match(details.get("cause") ?? "", fault.sentence);
    assert.equal(details.get("faultClass"), "user");
    assert.equal(view.attempt, 1);
    return { outMs, faultClass: "user", sentence: details.get("cause") ?? "", again: "fails, as it is its own" };
  }

  /** The machines are recorded alike, to their UUIDs. */
  #isElsewhere(view: Shown, { node, uuid }: { node: string; uuid?: string }): string {
    const next = view.attempts?.find(({ number }) => number === view.attempt)?.nodes?.[0];
    assert.ok(next && (next.name !== node || (uuid !== undefined && next.gpuUuids?.[0] !== uuid)));
    return next.name;
  }
}

const raise = (name: string): never => {
  throw new Error(`there is no job ${name}`);
};
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function print(rows: readonly Row[]): void {
  const cells = rows.map(({ fault, outMs, faultClass, again, neighbours, sentence }) => [
    ...[fault, seconds(outMs), faultClass, again === "" ? "go on" : again, `${neighbours} untouched`, sentence],
  ]);
  const table = [["FAULT", "OUT AFTER", "CLASS", "ITS JOB", "NEIGHBOURS", "SENTENCE"], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) say(`        ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`);
}

export const gpuFaultScenario: Scenario = {
  name: "gpu-faults",
  shows: "twenty faults of recorded GPUs and their machines: who leaves the scheduling, why, and who doesn't notice",
  tiers: ["quick"],
  machines: 6,
  async run(stage: Stage) {
    const { lab, step } = stage;
    const gpus = await step("each machine has eight recorded GPUs", () =>
      Promise.all(lab.machines.map(async (machine) => [machine.name, await RecordedGpus.on(machine)] as const)),
    );
    const site = await Site.raise(stage, RecordedGpus.settings);
    const room = new Room(site, stage);
    for (const [name, each] of gpus) room.gpus.set(name, each);
    await step("their nodes list them", () =>
      room.within("eight on each", async () =>
        (await room.nodes()).every(({ inventory }) => inventory?.gpus?.length === gpusPerMachine),
      ),
    );
    const names = Array.from({ length: gpuFaults.length + neighbourCount }, (_, at) => `job${at + 1}`);
    const all = await step(`${names.length} jobs of one GPU run`, () => room.submit(names));
    for (const [at, fault] of gpuFaults.entries())
      await step(`a GPU: ${fault.name}`, () => room.inject(fault, all[at] ?? raise(fault.name)));
    const neighbours = all.slice(gpuFaults.length);
    const busy = [...new Set([...neighbours.map(({ node }) => node), ...lab.machines.map(({ name }) => name)])];
    for (const [at, fault] of nodeFaults.entries()) {
      const name = busy[nodeFaults.length - 1 - at] ?? raise(fault.name);
      const here = await Promise.all(
        all.map(async (each) => {
          const { executionState, attempt, attempts } = await room.show(each.job);
          const node = attempts?.find(({ number }) => number === attempt)?.nodes?.[0]?.name;
          return executionState === "running" && node === name ? [each] : [];
        }),
      );
      await step(`a machine: ${fault.name}`, () => room.injectInto(name, fault, here.flat()));
    }
    print(room.rows);
    stage.measured("faults played", room.rows.length, "");
    stage.measured("longest time to leave the scheduling", Math.max(...room.rows.map(({ outMs }) => outMs)));
    await step("nothing is left when the jobs are ended", async () => {
      for (const { job } of all) await job.terminate();
      await nothingLeft(site);
    });
  },
};
