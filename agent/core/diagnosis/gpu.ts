import { meaningOf, type XidAction } from "../kernel/xid-table.js";
import { clockTime, type Evidence, type FaultClass, type GpuOfLease, gpuName, type Rule } from "./diagnosis.js";

const advice: Record<XidAction, string> = {
  application: "look for the mistake in the program, with compute-sanitizer for instance",
  note: "",
  "reset-when-idle": "the GPU is to be reset when it is idle",
  reset: "the GPU is out of service until it is reset",
  reboot: "the machine has to be started anew",
  hands: "somebody has to look at the machine",
  follows: "",
};

const classOf: Record<XidAction, FaultClass | undefined> = {
  application: "user",
  note: undefined,
  "reset-when-idle": "gpu",
  reset: "gpu",
  reboot: "gpu",
  hands: "gpu",
  follows: undefined,
};

const fellOff: Rule = {
  name: "gpu-fell-off",
  class: "gpu",
  proven: true,
  sentence: ({ kernel, gpus }) => {
    for (const { at, message } of kernel) {
      const gpu = message.kind === "gpu-fell-off" && gpus.find(({ bus }) => sameBus(bus, message.bus));
      if (gpu) return `${gpuName(gpu)} fell off the bus, ${clockTime(at)}: ${advice.reboot}`;
    }
    return undefined;
  },
};

/** The gravest first: what follows from it comes after it in the log, but explains nothing. */
const order: readonly XidAction[] = ["reboot", "reset", "hands", "reset-when-idle", "application"];

function xidRule(action: XidAction, name: string): Rule {
  return {
    name,
    class: classOf[action] ?? "gpu",
    proven: true,
    sentence: (evidence) => {
      const found = xidsOf(evidence).find(({ meaning }) => meaning.action === action);
      if (!found) return undefined;
      const { gpu, code, meaning, at, text } = found;
      const said = action === "application" && text !== "" ? ` (${text.slice(0, 120)})` : "";
      return `${gpuName(gpu)} ${meaning.words}${said}, Xid ${code}, ${clockTime(at)}: ${advice[action]}`;
    },
  };
}

function xidsOf({ kernel, gpus }: Evidence) {
  return kernel.flatMap(({ at, message }) => {
    if (message.kind !== "xid") return [];
    const { xid } = message;
    const gpu = gpus.find(({ bus }) => sameBus(bus, xid.bus));
    return gpu ? [{ gpu, at, code: xid.code, text: xid.text, meaning: meaningOf(xid) }] : [];
  });
}

/** Domains have four digits or eight. */
export function sameBus(one: GpuOfLease["bus"], other: string): boolean {
  return short(one) === short(other);
}

const short = (bus: string) =>
  bus
    .toLowerCase()
    .replace(/^0{4}(?=[0-9a-f]{4}:)/, "")
    .replace(/\.[0-9a-f]$/, "");

export const gpuRules: readonly Rule[] = [fellOff, ...order.map((action) => xidRule(action, `xid-${action}`))];
