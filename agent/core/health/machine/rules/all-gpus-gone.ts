import type { MachineRule } from "../machine.js";

const gone: ReadonlySet<string> = new Set(["missing", "lost", "fell-off", "xid-79"]);

export const allGpusGone: MachineRule = {
  name: "all-gpus-gone",
  advice: "start the machine anew; if it happens again, look at its power supply and board",
  source: "every GPU of a machine that has several is missing, lost or off the bus",
  lasts: false,
  found: ({ gpus }) => {
    const all = [...gpus.values()];
    const since = all.map(({ findings }) => findings.find(({ rule }) => gone.has(rule))?.since);
    return all.length > 1 && since.every((at) => at !== undefined)
      ? { words: `all of its ${all.length} GPUs are gone`, since: Math.max(...since) }
      : undefined;
  },
};
