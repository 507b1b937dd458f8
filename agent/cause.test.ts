import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GpuSchema } from "../shared/gen/stoker/v1/node_pb.js";
import { causeOf } from "./cause.js";
import { exampleGrant } from "./core/example.js";
import { readMessage } from "./core/kernel/message.js";
import { tail } from "./file-tail.js";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-cause-"));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const exit = { exitCode: 1, signal: 0, stdoutBytes: 0, stderrBytes: 0 };
const gpus = [
  create(GpuSchema, { uuid: "GPU-1f", index: 3, busId: "0000:3b:00" }),
  create(GpuSchema, { uuid: "GPU-2a" }),
];

function kernelSays(line: string) {
  const message = readMessage(line);
  return {
    start() {},
    close() {},
    counts: () => new Map(),
    recent: () => (message ? [{ at: Date.now(), message }] : []),
  };
}

const xid = "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.";

it("is found in the last words of the process", () => {
  writeFileSync(join(dir, "stderr"), `${"x".repeat(20_000)}\nModuleNotFoundError: No module named 'torch'\n`);
  const found = causeOf(exit, { grant: exampleGrant(), dir, gpus, kernel: kernelSays("") });
  expect(found).toMatchObject({ rule: "module-missing", class: "user", proven: false });
});

it("is told without the secrets that the program was given", () => {
  writeFileSync(join(dir, "stderr"), "ModuleNotFoundError: No module named 'geheim'\n");
  const grant = exampleGrant({
    secrets: [{ $typeName: "stoker.v1.EnvironmentVariable", name: "KEY", value: "geheim" }],
  });
  expect(JSON.stringify(causeOf(exit, { grant, dir, gpus, kernel: kernelSays("") }))).toMatch(/module-missing.*\*\*\*/);
  expect(JSON.stringify(causeOf(exit, { grant, dir, gpus, kernel: kernelSays("") }))).not.toContain("geheim");
});

it("is the GPU's where the kernel says so of one that the lease has", () => {
  const of = (gpuUuids: string[]) =>
    causeOf(exit, { grant: exampleGrant({ gpuUuids }), dir, gpus, kernel: kernelSays(xid) });
  expect(of(["GPU-1f"])).toMatchObject({ class: "gpu", proven: true });
  expect(of(["GPU-1f"])?.sentence).toMatch(/^GPU 3 \(GPU-1f\) fell off the bus, Xid 79, /);
  expect(of(["GPU-2a"])).toBeUndefined();
});

it("a file's tail is its end, without what was freed of it", () => {
  const path = join(dir, "f");
  writeFileSync(path, `abc${"\0".repeat(10)}def\n`);
  expect(tail(path, 8)).toBe("def");
  expect(tail(join(dir, "none"), 8)).toBe("");
});
