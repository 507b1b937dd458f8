import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { pino } from "pino";
import { GpuWatch } from "../../../agent/telemetry/gpu-watch.js";
import { MachineTelemetry } from "../../../agent/telemetry/machine-telemetry.js";
import { parseSmi } from "../../../agent/telemetry/smi/document.js";
import { SessionRequestSchema } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { AgentProcess } from "../../fakes/agent-process.js";
import { RecordedSmi } from "../../fakes/recorded-smi/scene.js";
import { until } from "../../fakes/until.js";
import { percentile } from "../measure.js";

const recording = "v13-580.105-8x-h100.xml";

/** `nvidia-smi -q -x` of eight H100, 212 kB, from text to values. */
export async function smiParse(): Promise<Record<string, number>> {
  const text = readFileSync(resolve(import.meta.dirname, "../../fixtures/nvidia-smi/xml", recording), "utf8");
  const times: number[] = [];
  for (let number = 0; number < 200; number++) {
    // As it is read: not again and again at once, but never the first time either.
    await delay(5);
    const begin = performance.now();
    if (parseSmi(text).gpus.length !== 8) throw new Error("GPUs are missing");
    times.push(performance.now() - begin);
  }
  return { p95: percentile(times.slice(20), 95) };
}

const measuredMs = 62_000;

/** What sampling takes of a core beside what nvidia-smi itself does: both kinds of reading, host facts too, over two of the longest intervals. */
export async function samplerCpu(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-bench-sampler-"));
  const log = pino({ level: "silent" });
  const { program } = alive(folder);
  const telemetry = new MachineTelemetry({ program }, log);
  const { gpus } = await telemetry.inventory({});
  const watch = new GpuWatch(gpus, { program, read: (...read) => telemetry.read(...read) }, log);
  try {
    telemetry.onRows((rows, failure) => watch.sampled(rows, failure));
    watch.start(() => new Set());
    await until("samples", () => telemetry.latest()?.gpus.length === 8, 60_000);
    const before = process.cpuUsage();
    const begin = performance.now();
    await delay(measuredMs);
    const { user, system } = process.cpuUsage(before);
    return (100 * (user + system)) / 1_000 / (performance.now() - begin);
  } finally {
    watch.close();
    telemetry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of HTTP/2 and gRPC, around each message. */
const framingBytes = 14;

/** All that a node with eight GPUs says while nothing happens: whole heartbeats, with what is around them. */
export async function telemetryBytes(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-bench-telemetry-"));
  const path = process.env.PATH;
  alive(folder);
  process.env.PATH = `${folder}:${path}`;
  const site = new AgentProcess();
  const { coordinator } = site;
  try {
    // As a coordinator has it by itself.
    [coordinator.ttlMs, coordinator.intervalMs] = [12_000, 2_000];
    site.address = await coordinator.start();
    await site.run();
    const heartbeats = () => coordinator.messages.filter(({ case: kind }) => kind === "heartbeat");
    const isWhole = (message: (typeof coordinator.messages)[number] | undefined) =>
      message?.case === "heartbeat" && message.value.telemetry?.gpus.length === 8;
    await until("samples", () => isWhole(heartbeats().at(-1)), 60_000);
    const first = heartbeats().length;
    const begin = performance.now();
    await delay(measuredMs / 2);
    const took = performance.now() - begin;
    const said = heartbeats().slice(first);
    if (!said.every(isWhole)) throw new Error("a heartbeat had no samples of eight GPUs");
    const bytes = said.map(
      (message) => toBinary(SessionRequestSchema, create(SessionRequestSchema, { message })).length,
    );
    return bytes.reduce((sum, size) => sum + size + framingBytes, 0) / (took / 1_000);
  } finally {
    process.env.PATH = path;
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function alive(folder: string): RecordedSmi {
  const smi = new RecordedSmi(folder, recording);
  smi.change({ alive: true });
  return smi;
}
