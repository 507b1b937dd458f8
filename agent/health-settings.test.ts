import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { readSettings } from "../shared/config.js";
import type { Thresholds } from "./core/health/health.js";
import { machineRules } from "./core/health/machine/rules.js";
import { newMachineHealth, stepMachine } from "./core/health/machine/step.js";
import { saidRules } from "./core/health/names.js";
import { rules } from "./core/health/rules/index.js";
import type { SmiGpu } from "./core/health/smi-gpu.js";
import { newHealth, stateOf, stepHealth } from "./core/health/step.js";
import { readMessage } from "./core/kernel/message.js";
import { healthSettings } from "./health-settings.js";

const set = (text: string): Thresholds => healthSettings.health.parse(text);

const gpu = { uuid: "GPU-1", index: 0, busId: "0000:3b:00" };
const read = (change: Partial<SmiGpu>): SmiGpu => ({
  ...{ uuid: gpu.uuid, busId: gpu.busId, memory: {}, temperature: {}, power: {}, clocks: {}, link: {} },
  ...{ eventReasons: [], eventReasonUs: {}, ecc: {}, remappedRows: {}, retiredPages: {}, repairPending: false },
  ...{ saysRecovered: false, fabric: {}, mig: { devices: [] }, desktopDriver: false, processes: [], errorBodies: 0 },
  ...{ lost: false, requiresReset: false, ...change },
});

function stateWith(settings: string, change: Partial<SmiGpu>): string {
  const event = { type: "read" as const, gpus: [read(change)], held: new Set<string>(), ownPids: new Set<number>() };
  const health = stepHealth(newHealth([gpu]), event, set(settings), 1).get(gpu.uuid);
  return health ? stateOf(health) : "gone";
}

it("an owner sets another threshold, or has nobody look", () => {
  const pages = { retiredPages: { corrected: 50 } };
  expect(stateWith("", pages)).toBe("healthy");
  expect(stateWith("retired-pages=40", pages)).toBe("failed");
  expect(stateWith("retired-pages=off", { retiredPages: { corrected: 90 } })).toBe("healthy");
  expect(stateWith("uncorrected-memory=3", { ecc: { uncorrected: 3 } })).toBe("healthy");
});

it("what the kernel says can be switched off by its number", () => {
  const message = readMessage("NVRM: Xid (PCI:0000:3b:00): 74, NVLink: fatal error");
  if (!message) throw new Error("not understood");
  const states = ["", "xid-74=off"].map((settings) => {
    const health = stepHealth(newHealth([gpu]), { type: "kernel", message }, set(settings), 1).get(gpu.uuid);
    return health && stateOf(health);
  });
  expect(states).toEqual(["failed", "healthy"]);
});

it.each([
  ["retird-pages=3", /there is no rule retird-pages; there are lost, .*all-gpus-gone.*xid-N/],
  ["xid-9999=off", /there is no rule xid-9999/],
  [
    "retired-pages=many",
    /retired-pages=many: neither "off" nor a number \(pages that it may have retired; standard: 60\)/,
  ],
  ["lost=4", /rule lost has no threshold: it can only be off/],
  ["hot", /"hot" is not RULE=NUMBER or RULE=off/],
])("%s is refused with what there is", (text, message) => {
  expect(() => set(text)).toThrow(message);
});

it("the documentation has every rule, with its threshold and its source", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../docs/gpu-health.md"), "utf8");
  const rows = [
    ...rules.map(({ name, state, threshold, source }) => row(name, state, threshold, source)),
    ...machineRules.map(({ name, threshold, source }) => row(name, undefined, threshold, source)),
    ...saidRules.map(({ name, state, source }) => row(name, state, undefined, source)),
  ];
  for (const each of rows) expect(text).toContain(each);
});

function row(
  name: string,
  state: string | undefined,
  threshold: { standard: number; what: string } | undefined,
  source: string,
) {
  const limit = threshold ? `${threshold.standard} ${threshold.what}` : "";
  return `| ${[`\`${name}\``, ...(state === undefined ? [] : [state]), limit, source].join(" | ")} |`;
}

const says = (text: string, at = 0) => {
  const message = readMessage(text);
  if (!message) throw new Error(`not understood: ${text}`);
  return { type: "kernel" as const, at, message };
};

function machine(settings = "") {
  let health = newMachineHealth(new Set(["sda1"]));
  return {
    takes(event: Parameters<typeof stepMachine>[1], now = 0) {
      health = stepMachine(health, event, set(settings), now);
      return this;
    },
    get rules() {
      return health.findings.map(({ rule }) => rule);
    },
    get message() {
      return health.findings[0]?.message;
    },
  };
}

it("a disk that became read-only makes the machine unfit for good, when anything of ours is on it", () => {
  const seen = machine().takes(says("EXT4-fs (sdb1): Remounting filesystem read-only"));
  expect(seen.rules).toEqual([]);
  seen.takes(says("EXT4-fs (sda1): Remounting filesystem read-only")).takes({ type: "driver" }, 9e9);
  expect(seen.message).toMatch(/^its disk sda1 can only be read any more: look at the disk/);
});

it("a storm of machine checks, or of disk errors, does so; single ones don't", () => {
  const check = "mce: [Hardware Error]: Machine check events logged";
  const disk = "I/O error, dev sda, sector 5 op 0x0:(READ) flags 0x0";
  for (const [text, count, rule] of [
    [check, 3, "machine-checks"],
    [disk, 5, "disk-errors"],
  ] as const) {
    const slowly = machine();
    for (let time = 0; time < count; time++) slowly.takes(says(text, time * 3_600_000));
    expect(slowly.rules).toEqual([]);
    const storm = machine();
    for (let time = 0; time < count; time++) storm.takes(says(text, time * 1_000), 9e9);
    expect(storm.takes({ type: "driver" }, 9e10).rules).toEqual([rule]);
  }
});

it("a dead driver does so until it answers, and only where there are GPUs", () => {
  const failure = { kind: "driver-not-loaded", sentence: "the NVIDIA driver is not loaded: try `modprobe nvidia`" };
  expect(machine().takes({ type: "driver", failure }).rules).toEqual([]);
  const seen = machine()
    .takes({ type: "gpus", gpus: newHealth([gpu]) })
    .takes({ type: "driver", failure });
  expect(seen.message).toContain("its GPUs can't be used: the NVIDIA driver is not loaded");
  expect(seen.takes({ type: "driver" }).rules).toEqual([]);
  expect(seen.takes({ type: "driver", failure: { ...failure, kind: "hangs" } }).rules).toEqual([]);
});

it("all GPUs gone do so, but a single one is only itself", () => {
  const two = newHealth([gpu, { uuid: "GPU-2", index: 1, busId: "0000:5e:00" }]);
  const gone = { type: "sampled" as const, gpus: [] };
  const after = [1, 2].reduce((health) => stepHealth(health, gone, {}, 5), two);
  expect(machine().takes({ type: "gpus", gpus: after }).rules).toEqual(["all-gpus-gone"]);
  expect(machine("all-gpus-gone=off").takes({ type: "gpus", gpus: after }).rules).toEqual([]);
  const one = [1, 2].reduce((health) => stepHealth(health, gone, {}, 5), newHealth([gpu]));
  expect(machine().takes({ type: "gpus", gpus: one }).rules).toEqual([]);
});

it("may be given in a file, in two ways", () => {
  const folder = mkdtempSync(join(tmpdir(), "stoker-thresholds-"));
  try {
    const path = join(folder, "agent.yaml");
    writeFileSync(path, "health:\n  hot: off\n  retired-pages: 30\n  stray-memory: { threshold: 2048 }\n");
    const program = {
      name: "a",
      description: "",
      version: "",
      example: "",
      configPath: path,
      settings: healthSettings,
    };
    expect(readSettings(program, {}, {}).health).toEqual({ hot: "off", "retired-pages": 30, "stray-memory": 2048 });
    writeFileSync(path, "health:\n  stray-memory: { limit: 2048 }\n");
    expect(() => readSettings(program, {}, {})).toThrow(/has one value/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
