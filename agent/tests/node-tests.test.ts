import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Fault } from "../../shared/fault.js";
import {
  PeerTestOrderSchema,
  PeerTestResultSchema,
  TestOrderSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { until } from "../../test/fakes/until.js";
import type { SessionMessage } from "../ports.js";
import { MachineTests } from "./node-tests.js";

const log = pino({ level: "silent" });
let dir: string;
let program: string;
let sent: SessionMessage[];
let tested: Array<[string, string | undefined]>;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-tests-"));
  program = join(dir, "stoker-node-test");
  const sources = resolve(import.meta.dirname, "../native/test");
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  execFileSync("gcc", [
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-o",
    program,
    ...files.map((name) => join(sources, name)),
    "-ldl",
  ]);
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(() => {
  sent = [];
  tested = [];
});

const none = join("/", "nowhere", "dcgmi");

function tests(nodeName: string, options: { program?: string; dcgmi?: string } = {}): MachineTests {
  const host = {
    ...{ nodeName, address: "127.0.0.1", send: (message: SessionMessage) => void sent.push(message) },
    lease: () => Promise.reject(new Fault("failed-precondition", "it has no MPI")),
    ...{
      tested: (uuid: string, failure?: string) => void tested.push([uuid, failure]),
      fault: () => "",
      index: () => 0,
    },
  };
  return new MachineTests(host, { program, dcgmi: none, ...options }, log);
}

const order = (testId: string, peers: string[] = [], gpuUuids: string[] = ["GPU-1"]) => ({
  case: "testOrder" as const,
  value: create(TestOrderSchema, { testId, gpuUuids, quick: true, peers }),
});

const results = () => sent.flatMap((message) => (message.case === "testResult" ? [message.value] : []));
const checksOf = (at = 0) => results()[at]?.checks?.map(({ name, outcome, message }) => ({ name, outcome, message }));

function script(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

it("does what the machine has the means for, says what it could not do, and tells it again to who asks again", async () => {
  const node = tests("a");
  node.received(order("t1"));
  await until("a result", () => results().length === 1, 60_000);
  expect(checksOf()).toEqual([
    { name: "health", outcome: "passed", message: "nothing that is known keeps it out of service" },
    { name: "dcgmi", outcome: "skipped", message: "dcgmi, of NVIDIA's DCGM, is not installed" },
    { name: "cuda", outcome: "skipped", message: expect.stringContaining("there is no libcuda.so.1") },
    { name: "memory", outcome: "passed", message: expect.stringContaining("hold four patterns") },
  ]);
  expect(tested).toEqual([["GPU-1", undefined]]);
  node.received(order("t1"));
  expect(results()).toHaveLength(2);
});

it("a GPU that fails is told of as such, and one whose CUDA hangs too", async () => {
  const wrong = script(
    "wrong",
    `echo '{"outcome":"failed","message":"its memory gave 0 back","numbers":{"memoryMiB":64}}'; exit 1`,
  );
  const node = tests("a", { program: wrong });
  expect(await node.beforeStart(["GPU-1", "GPU-2"], new AbortController().signal)).toBe(
    "GPU 0 (GPU-1): its memory gave 0 back",
  );
  expect(tested).toEqual([
    ["GPU-1", "its memory gave 0 back"],
    ["GPU-2", "its memory gave 0 back"],
  ]);
});

it("one that nobody wants any more ends at once, and proves nothing", async () => {
  const abort = new AbortController();
  const node = tests("a", { program: script("hangs", "sleep 600") });
  const ended = node.beforeStart(["GPU-1"], abort.signal);
  abort.abort();
  expect(await ended).toBe("");
  expect(tested).toEqual([]);
});

it("measures the network with a peer that only the coordinator brings together", async () => {
  const node = tests("a");
  node.received(order("t2", ["b"], []));
  const serve = await until("it listens", () => sent.find((message) => message.case === "testServe"), 60_000);
  if (serve.case !== "testServe") throw new Error("never");
  const { testId = "", port = 0, token = "" } = serve.value;
  const peerOrder = { testId, node: "a", address: "127.0.0.1", port, token, quick: true };
  tests("b").received({ case: "peerTestOrder", value: create(PeerTestOrderSchema, peerOrder) });
  const told = await until("b has measured", () => sent.find((message) => message.case === "peerTestResult"), 60_000);
  if (told.case !== "peerTestResult") throw new Error("never");
  node.received({ case: "peerTestResult", value: create(PeerTestResultSchema, told.value) });
  await until("a result", () => results().length === 1, 60_000);
  const [, mpi, network] = results()[0]?.checks ?? [];
  expect(mpi).toMatchObject({
    ...{ name: "mpi", outcome: "skipped" },
    message: "measured by TCP to b: the coordinator does not know of tests by MPI",
  });
  expect(network).toMatchObject({ name: "network", peer: "b", outcome: "passed" });
  expect(Object.keys(network?.numbers ?? {})).toEqual(["roundTripUs", "roundTripP99Us", "toMiBps", "fromMiBps"]);
});

it("what can't be reached fails with what to look at", async () => {
  const peerOrder = { testId: "t", node: "a", address: "127.0.0.1", port: 1, token: "x", quick: true };
  tests("b").received({ case: "peerTestOrder", value: create(PeerTestOrderSchema, peerOrder) });
  const told = await until("b has tried", () => sent.find((message) => message.case === "peerTestResult"), 60_000);
  expect(told.value).toMatchObject({
    check: { outcome: "failed", message: expect.stringContaining("look at the firewall") },
  });
});
