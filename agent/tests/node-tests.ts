import { existsSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import type { TestOrder } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { TestCheckSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { NodeTests, TestsHost } from "../health-ports.js";
import { type Check, checkMessage, readLine } from "./check.js";
import { dcgmiCheck } from "./dcgmi.js";
import { NetworkTests } from "./network-tests.js";
import { start } from "./program.js";
import { sampleChecks } from "./samples.js";

export interface TestsOptions {
  /** `stoker-node-test`, beside the shim. */
  program: string;
  dcgmi?: string;
  /** Folders in which NVIDIA's samples are looked for; else the usual ones. */
  samples?: readonly string[];
}

interface Extent {
  cudaSeconds: number;
  /** MiB of each GPU's memory; 0: nearly all. */
  cudaMiB: number;
  cudaLimitMs: number;
  memoryMiB: number;
  dcgmiLevel: number;
  dcgmiLimitMs: number;
  /** Those of NVIDIA's samples that there are. */
  hasSamples: boolean;
}

/** A quick one is over in half a minute. */
const quick: Extent = {
  ...{ cudaSeconds: 6, cudaMiB: 8_192, cudaLimitMs: 20_000, memoryMiB: 64, dcgmiLevel: 1, dcgmiLimitMs: 25_000 },
  hasSamples: false,
};
const full: Extent = {
  ...{ cudaSeconds: 120, cudaMiB: 0, cudaLimitMs: 240_000, memoryMiB: 512, dcgmiLevel: 2, dcgmiLimitMs: 600_000 },
  hasSamples: true,
};

/** One test at a time of the coordinator's, and those before jobs beside it: their GPUs are others. */
export class MachineTests implements NodeTests {
  private readonly abort = new AbortController();
  private last: { id: string; result?: Check[] } | undefined;
  private readonly network: NetworkTests;

  constructor(
    private readonly host: TestsHost,
    private readonly options: TestsOptions,
    private readonly log: Logger,
  ) {
    this.network = new NetworkTests(host, options.program, log);
  }

  received(message: Parameters<NodeTests["received"]>[0]): void {
    switch (message.case) {
      case "testOrder":
        this.ordered(message.value);
        return;
      case "peerTestOrder":
        this.network
          .ordered(message.value)
          .catch((error: unknown) => this.log.error({ err: error }, "a part in another node's test was not taken"));
        return;
      case "peerTestResult":
        this.network.replied(message.value);
        return;
    }
  }

  async beforeStart(gpuUuids: readonly string[], signal: AbortSignal): Promise<string> {
    const checks = (await Promise.all(gpuUuids.map((uuid) => this.gpu(uuid, quick, signal)))).flat();
    if (signal.aborted) return "";
    this.judge(gpuUuids, checks);
    const bad = checks.find(({ outcome }) => outcome === "failed");
    return bad ? `GPU ${this.host.index(bad.gpuUuid)} (${bad.gpuUuid}): ${bad.message}` : "";
  }

  close(): void {
    this.abort.abort();
  }

  private ordered(order: TestOrder): void {
    if (this.last?.id === order.testId) {
      // Its result was lost on the way; or it is still to come.
      if (this.last.result) this.tell(order.testId, this.last.result);
      return;
    }
    const test: { id: string; result?: Check[] } = { id: order.testId };
    this.last = test;
    this.run(order).then(
      (checks) => {
        if (this.abort.signal.aborted) return;
        test.result = checks;
        this.tell(order.testId, checks);
      },
      (error: unknown) => this.log.error({ err: error, test: order.testId }, "a test of this machine was not finished"),
    );
  }

  private async run(order: TestOrder): Promise<Check[]> {
    const extent = order.quick ? quick : full;
    const { signal } = this.abort;
    this.log.info({ test: order.testId, gpus: order.gpuUuids }, "this machine is tested");
    const ofGpus = (await Promise.all(order.gpuUuids.map((uuid) => this.gpu(uuid, extent, signal)))).flat();
    const memory = await this.memory(extent, signal);
    const network = order.peers.length === 0 ? [] : await this.network.checks(order, signal);
    if (!signal.aborted) this.judge(order.gpuUuids, ofGpus);
    return [...ofGpus, memory, ...network];
  }

  /** What failed keeps its GPU out of service; what passed lets it serve again. */
  private judge(uuids: readonly string[], checks: readonly Check[]): void {
    for (const uuid of uuids) {
      const bad = checks.find(
        ({ gpuUuid, outcome, name }) => gpuUuid === uuid && outcome === "failed" && name !== "health",
      );
      this.host.tested(uuid, bad?.message);
    }
  }

  private async gpu(uuid: string, extent: Extent, signal: AbortSignal): Promise<Check[]> {
    const dcgmi = await this.dcgmi(uuid, extent, signal);
    const cuda = await this.cuda(uuid, extent, signal);
    const samples = extent.hasSamples ? await sampleChecks(uuid, this.options.samples, signal) : [];
    return [this.health(uuid), dcgmi, cuda, ...samples];
  }

  private health(uuid: string): Check {
    const fault = this.host.fault(uuid);
    const message = fault === "" ? "nothing that is known keeps it out of service" : fault;
    return { name: "health", gpuUuid: uuid, outcome: fault === "" ? "passed" : "failed", message, numbers: {} };
  }

  private async dcgmi(uuid: string, { dcgmiLevel: level, dcgmiLimitMs: limitMs }: Extent, signal: AbortSignal) {
    const index = this.host.index(uuid);
    const words = ["diag", "-r", String(level), "-i", String(index), "-j"];
    return dcgmiCheck(
      { uuid, index },
      level,
      await start(this.options.dcgmi ?? "dcgmi", words, { limitMs, signal }).ended,
    );
  }

  private async cuda(uuid: string, extent: Extent, signal: AbortSignal): Promise<Check> {
    const { cudaSeconds, cudaMiB, cudaLimitMs: limitMs } = extent;
    const environment = { CUDA_VISIBLE_DEVICES: uuid, ...limit(limitMs) };
    const words = ["gpu", String(cudaSeconds), String(cudaMiB)];
    const { output, code } = await start(this.options.program, words, { limitMs, environment, signal }).ended;
    const said = readLine(output);
    if (said) return { name: "cuda", gpuUuid: uuid, ...said };
    const hung = code === undefined && existsSync(this.options.program);
    const message = hung
      ? `CUDA did not answer within ${limitMs / 1000} s`
      : `${this.options.program} could not be run: ${output.slice(-200)}`;
    return { name: "cuda", gpuUuid: uuid, outcome: hung ? "failed" : "skipped", message, numbers: {} };
  }

  private async memory({ memoryMiB }: Extent, signal: AbortSignal): Promise<Check> {
    const limitMs = 60_000;
    const running = start(this.options.program, ["memory", String(memoryMiB)], {
      limitMs,
      environment: limit(limitMs),
      signal,
    });
    const said = readLine((await running.ended).output);
    const missing = { outcome: "skipped" as const, message: "the machine's memory could not be tested", numbers: {} };
    return { name: "memory", gpuUuid: "", ...(said ?? missing) };
  }

  private tell(testId: string, checks: readonly Check[]): void {
    const all = checks.map((check) => create(TestCheckSchema, checkMessage(check)));
    this.host.send({ case: "testResult", value: { testId, checks: all } });
  }
}

const limit = (limitMs: number) => ({ STOKER_TEST_SECONDS: String(Math.ceil(limitMs / 1000)) });
