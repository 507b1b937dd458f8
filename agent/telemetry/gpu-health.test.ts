import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultThresholds, type GpuState } from "../core/health/health.js";
import { rules } from "../core/health/rules/index.js";
import type { SmiGpu } from "../core/health/smi-gpu.js";
import { type Health, newHealth, sentenceOf, stateOf, stepHealth } from "../core/health/step.js";
import { readMessage } from "../core/kernel/message.js";
import { parseSmi } from "./smi/document.js";

const folder = resolve(import.meta.dirname, "../../test/fixtures/nvidia-smi/xml");
const recorded = (file: string) => parseSmi(readFileSync(resolve(folder, file), "utf8")).gpus;

const gib = 2 ** 30;
/** An H100 at work, as recorded. */
const [healthyGpu] = recorded("v13-580.105-8x-h100.xml");
if (!healthyGpu) throw new Error("the recording is empty");
const healthy: SmiGpu = { ...healthyGpu, processes: [], nvlinksActive: 18 };

const id = { uuid: healthy.uuid ?? "", index: 0, busId: healthy.busId ?? "" };

class Card {
  health: Health = newHealth([id]);
  at = 0;

  constructor(private readonly ownPids: number[] = []) {}

  reads(change: Partial<SmiGpu>, times = 1, held = true): this {
    for (let count = 0; count < times; count++) {
      this.at += 30_000;
      const event = {
        ...{ type: "read" as const, gpus: [{ ...healthy, ...change }] },
        ...{ held: new Set(held ? [id.uuid] : []), ownPids: new Set(this.ownPids) },
      };
      this.health = stepHealth(this.health, event, defaultThresholds, this.at);
    }
    return this;
  }

  hears(line: string): this {
    const message = readMessage(line);
    if (!message) throw new Error(`not understood: ${line}`);
    this.at += 1;
    this.health = stepHealth(this.health, { type: "kernel", message }, defaultThresholds, this.at);
    return this;
  }

  get gpu() {
    const gpu = this.health.get(id.uuid);
    if (!gpu) throw new Error("it is gone");
    return gpu;
  }

  get state(): GpuState {
    return stateOf(this.gpu);
  }
}

const busy = { utilizationPercent: 99 };
const used = (bytes: number) => ({ ...healthy.memory, usedBytes: bytes, reservedBytes: gib / 2 });

/** What each rule must find, and how grave that is. Before it, the card was idle and well. */
const faults: Array<[rule: string, change: Partial<SmiGpu>, state: GpuState, held?: boolean]> = [
  ["lost", { lost: true }, "failed"],
  ["no-answers", { errorBodies: 20 }, "failed"],
  ["recovery", { recoveryAction: "Reboot" }, "failed"],
  ["recovery", { requiresReset: true }, "failed"],
  ["drain-asked", { recoveryAction: "Drain and Reset" }, "draining"],
  ["remap-failed", { remappedRows: { failure: true } }, "failed"],
  ["remap-pending", { remappedRows: { pending: true } }, "draining"],
  ["no-spare-rows", { remappedRows: { banksWithoutSpare: 1 } }, "suspect"],
  ["retired-pages", { retiredPages: { corrected: 40, uncorrected: 21 } }, "failed"],
  ["uncorrected-memory", { ecc: { uncorrected: 1 } }, "failed"],
  ["sram-threshold", { ecc: { sramThresholdExceeded: true } }, "draining"],
  ["fabric", { fabric: { state: "Completed", status: "Failure" } }, "suspect"],
  ["hot", { eventReasons: ["hw_thermal_slowdown"] }, "suspect"],
  ["power-brake", { eventReasons: ["hw_power_brake_slowdown"] }, "suspect"],
  ["narrow-link", { ...busy, link: { ...healthy.link, width: 8 } }, "suspect"],
  ["slow-link", { ...busy, link: { ...healthy.link, generation: 1 } }, "suspect"],
  ["nvlink-down", { nvlinksActive: 17 }, "suspect"],
  ["stray-memory", { memory: used(3 * gib) }, "suspect", false],
  ["stranger", { processes: [{ pid: 4242, type: "C" }] }, "suspect"],
  [
    "slow-clock",
    { ...busy, memory: used(9 * gib), eventReasons: [], clocks: { smMhz: 210, smMostMhz: 1980 } },
    "suspect",
  ],
];

describe("a GPU", () => {
  it.each(faults)("%s", (name, change, state, held = true) => {
    const card = new Card().reads({ memory: used(gib / 2) }, 1, false);
    expect(card.state).toBe("healthy");
    const rule = rules.find((each) => each.name === name);
    if (!rule) throw new Error(`there is no rule ${name}`);
    card.reads(change, rule.readings - 1, held);
    if (rule.readings > 1) expect(card.gpu.findings.map((finding) => finding.rule)).not.toContain(name);
    card.reads(change, 1, held);
    expect(card.gpu.findings).toMatchObject([{ rule: name, state, since: card.at }]);
    card.reads({}, 1);
    expect(card.state).toBe(rule.lasts ? state : "healthy");
  });

  it("with ever more repeated transfers is suspect", () => {
    const card = new Card();
    for (const replays of [0, 5, 300, 600]) card.reads({ link: { ...healthy.link, replays } });
    expect(card.gpu.findings).toMatchObject([{ rule: "replays", words: expect.stringContaining("300 transfers") }]);
  });

  it("each rule is tried", () => {
    expect(new Set([...faults.map(([name]) => name), "replays"])).toEqual(new Set(rules.map(({ name }) => name)));
  });

  it("that serves our own processes, or a desktop, is no stranger's", () => {
    const process = { pid: 7, type: "C" };
    expect(new Card([7]).reads({ processes: [process] }, 9).state).toBe("healthy");
    expect(new Card().reads({ processes: [{ pid: 9, type: "G" }] }, 9).state).toBe("healthy");
  });

  it("whose link was always narrow is well", () => {
    expect(new Card().reads({ ...busy, link: { ...healthy.link, width: 8 } }, 9).state).toBe("healthy");
  });

  it("fails at once by the kernel's word, and stays so however it looks", () => {
    const card = new Card().reads({}).hears(`NVRM: Xid (PCI:${id.busId}): 79, GPU has fallen off the bus.`);
    expect(card.state).toBe("failed");
    expect(sentenceOf(card.reads({}, 3).gpu)).toBe(
      `GPU 0 (${id.uuid}) fell off the bus, Xid 79, 00:00:30 UTC: start the machine anew`,
    );
  });

  it("that was reset serves again, once its driver asks for nothing more", () => {
    const card = new Card().reads({ saysRecovered: false }).hears(`NVRM: Xid (PCI:${id.busId}): 48, DBE`);
    expect(card.reads({ saysRecovered: false }, 9).state).toBe("failed");
    expect(card.reads({ saysRecovered: true }).state).toBe("healthy");
    card.hears(`NVRM: Xid (PCI:${id.busId}): 79, GPU has fallen off the bus.`);
    expect(card.reads({ saysRecovered: true }, 9).state).toBe("failed");
  });

  it("is not harmed by a program's mistake, nor by what befalls another", () => {
    const card = new Card().reads({}).hears(`NVRM: Xid (PCI:${id.busId}): 13, pid=7, name=python3, Graphics Exception`);
    card.hears("NVRM: Xid (PCI:0000:ff:00): 79, GPU has fallen off the bus.");
    expect(card.state).toBe("healthy");
  });

  it("that is no longer listed has failed, until it is", () => {
    const card = new Card().reads({});
    const event = { type: "read" as const, gpus: [], held: new Set<string>(), ownPids: new Set<number>() };
    card.health = stepHealth(card.health, event, defaultThresholds, 99);
    expect(card.gpu.findings).toMatchObject([{ rule: "missing", state: "failed" }]);
    expect(card.reads({}).state).toBe("healthy");
  });
});

it("of two recorded GPUs one is lost, and the other has memory that can't be repaired", () => {
  const gpus = recorded("v13-580.65-gb200-one-lost.xml");
  const event = { type: "read" as const, gpus, held: new Set<string>(), ownPids: new Set<number>() };
  const ids = gpus.map(({ uuid = "", busId = "" }, index) => ({ uuid, index, busId }));
  const found = [...stepHealth(newHealth(ids), event, defaultThresholds, 1).values()];
  expect(found.map(({ findings }) => findings.map(({ rule }) => rule))).toEqual([
    ["remap-failed", "uncorrected-memory"],
    ["lost"],
  ]);
});

it.each([
  "v10-430.26-4x-tesla-k80.xml",
  "v12-525.147-rtx-3090.xml",
  "v13-580.173-4x-gb200.xml",
  "v13-595.91-tesla-t4.xml",
])("recorded healthy GPUs stay healthy: %s", (file) => {
  const gpus = recorded(file).map((gpu) => ({ ...gpu, processes: [] }));
  let health = newHealth(gpus.map(({ busId = "" }, index) => ({ uuid: `GPU-${index}`, index, busId })));
  const event = {
    type: "read" as const,
    gpus,
    held: new Set(["GPU-0", "GPU-1", "GPU-2", "GPU-3"]),
    ownPids: new Set<number>(),
  };
  for (let count = 0; count < 4; count++) health = stepHealth(health, event, defaultThresholds, count);
  expect([...health.values()].flatMap(({ findings }) => findings)).toEqual([]);
});
