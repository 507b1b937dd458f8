import { existsSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import type { PeerTestOrder, TestOrder } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { type TestCheck, TestCheckSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { NodeTests, TestsHost } from "../health-ports.js";
import { type Check, checkMessage, readLine } from "./check.js";
import { dcgmiCheck } from "./dcgmi.js";
import { measure, networkChecks } from "./network.js";
import { start } from "./program.js";

export interface TestsOptions {
  /** `stoker-node-test`, beside the shim. */
  program: string;
  dcgmi?: string;
}

interface Extent {
  cudaSeconds: number;
  /** MiB of each GPU's memory; 0: nearly all. */
  cudaMiB: number;
  cudaLimitMs: number;
  memoryMiB: number;
  dcgmiLevel: number;
  dcgmiLimitMs: number;
}

/** A quick one is over in half a minute. */
const quick: Extent = {
  ...{ cudaSeconds: 6, cudaMiB: 8_192, cudaLimitMs: 20_000, memoryMiB: 64, dcgmiLevel: 1, dcgmiLimitMs: 25_000 },
};
const full: Extent = {
  ...{ cudaSeconds: 120, cudaMiB: 0, cudaLimitMs: 240_000, memoryMiB: 512, dcgmiLevel: 2, dcgmiLimitMs: 600_000 },
};

/** One test at a time of the coordinator's, and those before jobs beside it: their GPUs are others. */
export class MachineTests implements NodeTests {
  private readonly abort = new AbortController();
  private last: { id: string; result?: Check[] } | undefined;
  private readonly peerResults = new Map<string, (check: Check) => void>();

  constructor(
    private readonly host: TestsHost,
    private readonly options: TestsOptions,
    private readonly log: Logger,
  ) {}

  received(message: Parameters<NodeTests["received"]>[0]): void {
    switch (message.case) {
      case "testOrder":
        this.ordered(message.value);
        return;
      case "peerTestOrder":
        void this.peerOrdered(message.value);
        return;
      case "peerTestResult":
        if (message.value.check) this.peerMeasured(message.value.testId, message.value.check);
        return;
    }
  }

  async beforeStart(gpuUuids: readonly string[], signal: AbortSignal): Promise<string> {
    const checks = (await Promise.all(gpuUuids.map((uuid) => this.gpu(uuid, quick, signal)))).flat();
    if (signal.aborted) return "";
    this.judge(gpuUuids, checks);
    return checks.find(({ outcome }) => outcome === "failed")?.message ?? "";
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
    const network = order.peers.length === 0 ? [] : await this.network(order, signal);
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
    return [this.health(uuid), dcgmi, cuda];
  }

  private health(uuid: string): Check {
    const fault = this.host.fault(uuid);
    const message = fault === "" ? "nothing that is known keeps it out of service" : fault;
    return { name: "health", gpuUuid: uuid, outcome: fault === "" ? "passed" : "failed", message, numbers: {} };
  }

  private async dcgmi(uuid: string, { dcgmiLevel: level, dcgmiLimitMs: limitMs }: Extent, signal: AbortSignal) {
    const words = ["diag", "-r", String(level), "-i", String(this.host.index(uuid))];
    return dcgmiCheck(uuid, level, await start(this.options.dcgmi ?? "dcgmi", words, { limitMs, signal }).ended);
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

  private network(order: TestOrder, signal: AbortSignal): Promise<Check[]> {
    const { testId, peers } = order;
    return networkChecks(this.options.program, peers, {
      serve: (port, token) => this.host.send({ case: "testServe", value: { testId, port, token } }),
      result: (peer) =>
        new Promise((resolve) => {
          this.peerResults.set(`${testId} ${peer}`, resolve);
        }),
      signal,
    });
  }

  private async peerOrdered(order: PeerTestOrder): Promise<void> {
    const check = await measure(this.options.program, order, this.host.nodeName);
    const { testId, node } = order;
    this.host.send({ case: "peerTestResult", value: { testId, node, check: checkMessage(check) } });
  }

  private peerMeasured(testId: string, check: TestCheck): void {
    const key = `${testId} ${check.peer}`;
    const outcome = (["passed", "failed", "skipped"] as const).find((each) => each === check.outcome) ?? "skipped";
    const { peer, message, numbers } = check;
    this.peerResults.get(key)?.({ name: "network", gpuUuid: "", peer, outcome, message, numbers });
    this.peerResults.delete(key);
  }

  private tell(testId: string, checks: readonly Check[]): void {
    const all = checks.map((check) => create(TestCheckSchema, checkMessage(check)));
    this.host.send({ case: "testResult", value: { testId, checks: all } });
  }
}

const limit = (limitMs: number) => ({ STOKER_TEST_SECONDS: String(Math.ceil(limitMs / 1000)) });
