import { clockTime } from "../diagnosis/diagnosis.js";
import { sameBus } from "../diagnosis/gpu.js";
import type { KernelMessage } from "../kernel/message.js";
import { meaningOf, type XidAction } from "../kernel/xid-table.js";
import type { Instant } from "../time.js";
import {
  type Baseline,
  byGravity,
  type Finding,
  type GpuState,
  isOff,
  type Thresholds,
  thresholdOf,
  worst,
} from "./health.js";
import { missing } from "./missing.js";
import { rules } from "./rules/index.js";
import { type SampledGpu, sampled, unreachable } from "./sampled.js";
import type { SmiGpu } from "./smi-gpu.js";

/** One GPU of this machine, and what is known of it. */
export interface GpuHealth {
  readonly uuid: string;
  readonly index: number;
  readonly busId: string;
  readonly findings: readonly Finding[];
  readonly baseline: Baseline;
  readonly before?: SmiGpu;
  /** In how many readings in a row each rule has found something. */
  readonly streaks: Readonly<Record<string, number>>;
}

/** By uuid, in the order of their indexes. */
export type Health = ReadonlyMap<string, GpuHealth>;

export type HealthEvent =
  /** All that was read of all GPUs, and which of them leases hold. */
  | { type: "read"; gpus: readonly SmiGpu[]; held: ReadonlySet<string>; ownPids: ReadonlySet<number> }
  /** One of the frequent samples. */
  | { type: "sampled"; gpus: readonly SampledGpu[] }
  /** nvidia-smi itself ends, because it can't reach the GPU at this address, or those of these names. */
  | { type: "unreachable"; bus: string }
  | { type: "unreachable"; uuids: readonly string[] }
  | { type: "kernel"; message: KernelMessage }
  /** Without a failure: it passed. */
  | { type: "tested"; uuid: string; failure?: string };

export const newHealth = (gpus: readonly { uuid: string; index: number; busId: string }[]): Health =>
  new Map(gpus.map((gpu) => [gpu.uuid, { ...gpu, findings: [], baseline: {}, streaks: {} }]));

export function stepHealth(health: Health, event: HealthEvent, thresholds: Thresholds, now: Instant): Health {
  const after = stepped(health, event, thresholds, now);
  return Object.values(thresholds).includes("off") ? withoutOff(after, thresholds) : after;
}

/** What its owner wants nobody to look for. */
function withoutOff(health: Health, thresholds: Thresholds): Health {
  const found = [...health.values()].some(({ findings }) => findings.some(({ rule }) => isOff(thresholds, rule)));
  if (!found) return health;
  return new Map(
    [...health].map(([uuid, gpu]) => [
      uuid,
      { ...gpu, findings: gpu.findings.filter(({ rule }) => !isOff(thresholds, rule)) },
    ]),
  );
}

function stepped(health: Health, event: HealthEvent, thresholds: Thresholds, now: Instant): Health {
  switch (event.type) {
    case "kernel":
      return kernelSaid(health, event.message, now);
    case "read":
      return read(health, event, thresholds, now);
    case "sampled":
      return sampled(health, event.gpus, now);
    case "unreachable":
      return new Map(
        [...health].map(([uuid, known]) => {
          const isMeant = "bus" in event ? isAt(known, event.bus) : event.uuids.includes(uuid);
          return [uuid, isMeant ? unreachable(known, now) : known];
        }),
      );
    case "tested":
      return tested(health, event, now);
  }
}

export const stateOf = ({ findings }: GpuHealth): GpuState => worst(findings);

/** `GPU 3 (GPU-1f…) fell off the bus, Xid 79, 14:02:11 UTC: start the machine anew`; undefined of a healthy one. */
export function sentenceOf({ index, uuid, findings }: GpuHealth): string | undefined {
  const first = byGravity(findings)[0];
  return first && `GPU ${index} (${uuid}) ${first.words}, ${clockTime(first.since)}: ${first.advice}`;
}

function read(
  health: Health,
  { gpus, held, ownPids }: Extract<HealthEvent, { type: "read" }>,
  thresholds: Thresholds,
  now: Instant,
): Health {
  return new Map(
    [...health].map(([uuid, known]) => {
      // One that is lost may no longer know its own name.
      const gpu = gpus.find(
        (each) => each.uuid === uuid || (each.busId !== undefined && sameBus(known.busId, each.busId)),
      );
      if (!gpu) return [uuid, missing(known, now)];
      const baseline = learned(known.baseline, gpu, held.has(uuid));
      const reading = { gpu, before: known.before, baseline, held: held.has(uuid), ownPids };
      const streaks: Record<string, number> = {};
      const findings = known.findings.filter(
        (finding) => finding.rule === testRule || (isTheKernels(finding) && !wasReset(finding, gpu, now)),
      );
      for (const rule of rules) {
        const words = rule.found(reading, thresholdOf(thresholds, rule));
        const earlier = known.findings.find((finding) => finding.rule === rule.name);
        const streak = words === undefined ? 0 : (known.streaks[rule.name] ?? 0) + 1;
        streaks[rule.name] = streak;
        const { name, state, advice } = rule;
        if (words !== undefined && (earlier || streak >= rule.readings))
          findings.push({ ...{ rule: name, state, words, advice }, since: earlier?.since ?? now });
        else if (earlier && rule.lasts) findings.push(earlier);
      }
      return [uuid, { ...known, findings, baseline, before: gpu, streaks }];
    }),
  );
}

const isTheKernels = ({ rule }: Finding) => rule.startsWith("xid-") || rule === "fell-off" || rule === "pcie-fatal";

/** An Xid is told once, and a reset not at all. But a driver that says, a while later, that nothing is to be done has been reset. */
const settledMs = 60_000;

const wasReset = ({ advice, since }: Finding, { saysRecovered }: SmiGpu, now: Instant) =>
  saysRecovered && now - since > settledMs && advice !== adviceAfter.reboot && advice !== adviceAfter.hands;

/** The widest link it ever had, and the least memory in use while nothing ran on it. */
function learned(baseline: Baseline, gpu: SmiGpu, held: boolean): Baseline {
  const { width, generation } = gpu.link;
  const links = gpu.nvlinksActive;
  const used = gpu.memory.usedBytes;
  const idle = !held && gpu.processes.length === 0 && used !== undefined;
  return {
    ...baseline,
    ...(width === undefined ? {} : { width: Math.max(baseline.width ?? 0, width) }),
    ...(generation === undefined ? {} : { generation: Math.max(baseline.generation ?? 0, generation) }),
    ...(links === undefined ? {} : { nvlinks: Math.max(baseline.nvlinks ?? 0, links) }),
    ...(idle ? { idleMemoryBytes: Math.min(baseline.idleMemoryBytes ?? used, used) } : {}),
  };
}

const testRule = "test";

/** One that failed stays out until it passes. */
function tested(health: Health, { uuid, failure }: Extract<HealthEvent, { type: "tested" }>, now: Instant): Health {
  const known = health.get(uuid);
  if (!known) return health;
  const others = known.findings.filter(({ rule }) => rule !== testRule);
  const finding: Finding = {
    ...{ rule: testRule, state: "failed", since: now },
    ...{ words: `failed its test: ${failure ?? ""}`, advice: "have it looked at, then test it again" },
  };
  return new Map(health).set(uuid, { ...known, findings: failure === undefined ? others : [...others, finding] });
}

const stateAfter: Partial<Record<XidAction, Finding["state"]>> = {
  reset: "failed",
  reboot: "failed",
  hands: "failed",
  "reset-when-idle": "draining",
};

const adviceAfter: Partial<Record<XidAction, string>> = {
  reset: "reset it, nvidia-smi --gpu-reset, or start the machine anew",
  reboot: "start the machine anew",
  hands: "look at the card and its power cable",
  "reset-when-idle": "reset it when it is idle",
};

/** Seconds before a reading would show it; and some things no reading shows. */
function kernelSaid(health: Health, message: KernelMessage, now: Instant): Health {
  if (message.kind === "gpu-fell-off") {
    return found(health, message.bus, {
      ...{ rule: "fell-off", state: "failed", since: now },
      ...{ words: "fell off the bus", advice: "start the machine anew" },
    });
  }
  if (message.kind === "pcie-error" && message.fatal) {
    return found(health, message.bus, {
      ...{ rule: "pcie-fatal", state: "failed", since: now },
      ...{
        words: "had a fatal error on its PCIe link",
        advice: "start the machine anew, and look at its slot and riser",
      },
    });
  }
  if (message.kind !== "xid") return health;
  const { action, words } = meaningOf(message.xid);
  const state = stateAfter[action];
  if (state === undefined) return health;
  return found(health, message.xid.bus, {
    ...{ rule: `xid-${message.xid.code}`, state, since: now },
    ...{ words: `${words}, Xid ${message.xid.code}`, advice: adviceAfter[action] ?? "" },
  });
}

const isAt = ({ busId }: GpuHealth, bus: string) => busId !== "" && sameBus(busId, bus);

function found(health: Health, bus: string, finding: Finding): Health {
  return new Map(
    [...health].map(([uuid, known]) => {
      const other = !isAt(known, bus);
      if (other || known.findings.some(({ rule }) => rule === finding.rule)) return [uuid, known];
      return [uuid, { ...known, findings: [...known.findings, finding] }];
    }),
  );
}
