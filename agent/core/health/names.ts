import { codesKnown } from "../kernel/xid-table.js";
import { defaultThresholds, type Thresholds } from "./health.js";
import { machineRules } from "./machine/rules.js";
import { rules } from "./rules/index.js";

/** What is found without a reading of all values: by the kernel's word, in a sample, or in a test. */
export const saidRules: ReadonlyArray<{ name: string; state: string; source: string }> = [
  { name: "missing", state: "failed", source: "nvidia-smi no longer lists it, in two samples or a whole reading" },
  { name: "fell-off", state: "failed", source: "the kernel's log: the GPU has fallen off the bus, without an Xid" },
  { name: "pcie-fatal", state: "failed", source: "the kernel's log: a fatal PCIe error at its address" },
  { name: "xid-N", state: "failed or draining", source: "the kernel's log: Xid N, by the table of NVIDIA's actions" },
  { name: "test", state: "failed", source: "a test of `stoker node test`, or before a job, that it failed" },
];

/** Of one that is set or switched off; throws what is wrong with it, in words. */
export function checkedThresholds(given: Readonly<Record<string, string>>): Thresholds | string {
  const settings: Record<string, number | "off"> = { ...defaultThresholds };
  for (const [name, value] of Object.entries(given)) {
    const rule = [...rules, ...machineRules].find((each) => each.name === name);
    const said = saidRules.some((each) => each.name === name) || isXid(name);
    if (!rule && !said) return `there is no rule ${name}; there are ${names()}`;
    if (/^(off|no|false)$/i.test(value.trim())) settings[name] = "off";
    else if (!rule?.threshold) return `rule ${name} has no threshold: it can only be off`;
    else if (!/^\d+(\.\d+)?$/.test(value.trim())) {
      return `${name}=${value}: neither "off" nor a number (${rule.threshold.what}; standard: ${rule.threshold.standard})`;
    } else settings[name] = Number(value);
  }
  return settings;
}

const isXid = (name: string) => codesKnown().some((code) => name === `xid-${code}`);

const names = () => [...rules, ...machineRules, ...saidRules].map(({ name }) => name).join(", ");
