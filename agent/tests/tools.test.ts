import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { dcgmiCheck } from "./dcgmi.js";
import { bandwidthTestNumbers, nvbandwidthNumbers, sampleCheck, sampleChecks } from "./samples.js";

const recorded = (name: string) =>
  readFileSync(resolve(import.meta.dirname, "../../test/fixtures/gpu-tests", name), "utf8");
const gpu = { uuid: "GPU-1", index: 0 };
const dcgmi = (code: number | undefined, output: string, at = gpu) =>
  dcgmiCheck(at, 1, { code, output, missing: false });

it("what DCGM would have the machine set is told, and condemns no GPU", () => {
  const check = dcgmi(226, recorded("dcgmi-4.2.3-gb10-level-1.txt"));
  expect(check).toMatchObject({ outcome: "warned", gpuUuid: "GPU-1" });
  expect(check.message).toContain("Persistence mode for GPU 0 is disabled");
  const before = {
    category: "Deployment",
    tests: [{ name: "Persistence Mode", results: [{ gpu_ids: "0,1", status: "Fail" }] }],
  };
  expect(dcgmi(226, JSON.stringify({ "DCGM GPU Diagnostic": { test_categories: [before] } })).outcome).toBe("warned");
});

it("a GPU that fails is named, and its neighbour's failure is not its own", () => {
  const failing = recorded("dcgmi-4.2.3-gb10-level-1.txt").replace('"error_severity" : 5', '"error_severity" : 2');
  expect(dcgmi(226, failing)).toMatchObject({
    outcome: "failed",
    message: expect.stringMatching(/^dcgmi diag -r 1 failed: software \(Persistence Mode/),
  });
  expect(dcgmi(226, failing, { uuid: "GPU-2", index: 1 }).outcome).toBe("skipped");
  const old = (status: string) => ({
    category: "Hardware",
    tests: [{ name: "GPU Memory", results: [{ gpu_id: "0", status, warnings: ["bits flip"] }] }],
  });
  const of = (status: string) => JSON.stringify({ "DCGM GPU Diagnostic": { test_categories: [old(status)] } });
  expect(dcgmi(226, of("Fail")).message).toBe("dcgmi diag -r 1 failed: GPU Memory (bits flip)");
  expect(dcgmi(0, of("Pass"))).toMatchObject({ outcome: "passed", message: "dcgmi diag -r 1 passed: GPU Memory" });
});

it("what proves nothing is skipped, with why", () => {
  expect(dcgmi(0, recorded("dcgmi-3-t400-level-3-skipped.txt"))).toMatchObject({
    outcome: "skipped",
    message: "dcgmi diag -r 1 tests nothing of this kind of GPU: PCIe, GPU Memory was skipped",
  });
  expect(dcgmi(1, "Error: unable to establish a connection to the specified host: localhost")).toMatchObject({
    outcome: "skipped",
    message: expect.stringContaining("unable to establish a connection"),
  });
  expect(dcgmi(0, "").outcome).toBe("skipped");
  expect(dcgmiCheck(gpu, 1, { code: undefined, output: "", missing: true }).outcome).toBe("skipped");
  expect(dcgmi(undefined, "").message).toBe("dcgmi diag -r 1 did not end in time");
});

it("reads what NVIDIA's samples print", () => {
  expect(nvbandwidthNumbers(recorded("nvbandwidth-0.5-a10.txt"))).toEqual({ hostToDeviceMBps: 25_170 });
  expect(bandwidthTestNumbers(recorded("bandwidth-test-a100.txt"))).toEqual({
    ...{ hostToDeviceMBps: 26_100, deviceToHostMBps: 25_600, withinDeviceMBps: 1_152_700 },
  });
  expect(bandwidthTestNumbers(recorded("bandwidth-test-k20c.txt"))).toEqual({
    ...{ hostToDeviceMBps: 6_039, deviceToHostMBps: 6_554, withinDeviceMBps: 146_996 },
  });
});

it("a sample that fails is the GPU's failure, one that does not fit the machine is nobody's", () => {
  const of = (code: number | undefined, output: string) =>
    sampleCheck({ name: "bandwidthTest", read: bandwidthTestNumbers }, gpu.uuid, { code, output, missing: false });
  expect(of(0, recorded("bandwidth-test-k20c.txt")).message).toBe(
    "bandwidthTest passed: 6039 MB/s to it, 6554 MB/s from it, 146996 MB/s within it",
  );
  expect(of(0, recorded("device-query-gtx-780-ti.txt"))).toMatchObject({ outcome: "passed", numbers: {} });
  expect(of(1, "CUDA error at bandwidthTest.cu:714 code=214(cudaErrorECCUncorrectable)").message).toMatch(
    /^bandwidthTest failed: CUDA error .*ECCUncorrectable/,
  );
  expect(
    of(
      1,
      "cudaGetDeviceCount returned 35\n-> CUDA driver version is insufficient for CUDA runtime version\nResult = FAIL",
    ),
  ).toMatchObject({ outcome: "skipped" });
  expect(of(undefined, "").message).toContain("did not end within 120 s");
});

it("finds those that are there, and gives them the one GPU", async () => {
  const dir = mkdtempSync(join(tmpdir(), "stoker-samples-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const { signal } = new AbortController();
  expect(await sampleChecks(gpu.uuid, [dir], signal)).toMatchObject([{ outcome: "skipped" }]);
  const path = join(dir, "nvbandwidth");
  writeFileSync(
    path,
    '#!/bin/sh\necho "SUM host_to_device_memcpy_ce $([ "$CUDA_VISIBLE_DEVICES" = GPU-1 ] && echo 25.17)"\n',
  );
  chmodSync(path, 0o755);
  expect(await sampleChecks(gpu.uuid, [dir], signal)).toMatchObject([
    { name: "sample", gpuUuid: "GPU-1", outcome: "passed", numbers: { hostToDeviceMBps: 25_170 } },
  ]);
});
