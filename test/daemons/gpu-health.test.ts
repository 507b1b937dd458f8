import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AgentProcess } from "../fakes/agent-process.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { until } from "../fakes/until.js";

const recorded = resolve(import.meta.dirname, "../fixtures/nvidia-smi/xml");
const path = process.env.PATH;
let dir: string;
let site: AgentProcess | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-gpu-health-"));
});

afterEach(async () => {
  process.env.PATH = path;
  await site?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** An agent whose nvidia-smi says what was recorded. */
async function agentWith(file: string): Promise<AgentProcess> {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "nvidia-smi"), `#!/bin/sh\n[ "$1" = -q ] && exec cat ${join(recorded, file)}\nexit 2\n`);
  chmodSync(join(bin, "nvidia-smi"), 0o755);
  process.env.PATH = `${bin}:${path}`;
  site = await AgentProcess.start(12_000);
  return site;
}

it("an agent says with its heartbeats which of its GPUs fail, and what to do", async () => {
  const { coordinator } = await agentWith("v13-580.65-gb200-one-lost.xml");
  const faults = await until("a heartbeat with faults", () => {
    const last = coordinator.messages.findLast(({ case: kind }) => kind === "heartbeat");
    return last?.case === "heartbeat" && last.value.gpuFaults.length > 0 ? last.value.gpuFaults : undefined;
  });
  expect(coordinator.hellos[0]?.inventory?.gpus).toMatchObject([{ index: 0, busId: "0000:0a:00" }]);
  expect(faults).toMatchObject([
    {
      ...{ uuid: "GPU-b200b200-0000-0000-0000-000000000000", state: "failed", rule: "remap-failed" },
      message: expect.stringContaining("have the card replaced"),
    },
  ]);
});

it("a rank that dies is explained by its last words", async () => {
  const { coordinator } = await agentWith("v13-590.44-2x-rtx-a5000.xml");
  const command = "echo 'RuntimeError: CUDA out of memory. Tried to allocate 2 GiB' >&2; exit 1";
  coordinator.grant(makeGrant({ ranks: [{ rank: 0, commandLine: command }] }));
  const exit = await until("its exit", () => {
    const told = coordinator.messages.find((each) => each.case === "report" && each.value.event.case === "rankExited");
    return told?.case === "report" && told.value.event.case === "rankExited" ? told.value.event.value : undefined;
  });
  expect(exit).toMatchObject({
    exitCode: 1,
    diagnosis: { rule: "cuda-out-of-memory", faultClass: "user", proven: false },
  });
  expect(exit.diagnosis?.sentence).toContain("make the batch or the model smaller");
});
