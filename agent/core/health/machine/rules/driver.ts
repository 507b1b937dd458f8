import type { MachineRule } from "../machine.js";

/** Nothing that goes by itself, unlike one that hangs or fails once. */
const dead: ReadonlySet<string> = new Set([
  ...["driver-not-loaded", "version-mismatch", "library-missing", "no-devices", "blocked", "not-installed"],
]);

export const driver: MachineRule = {
  name: "driver",
  advice: "it is asked again and again, and serves as soon as it answers",
  source: "nvidia-smi says that it can't reach the driver, that the two don't belong together, or that there is no GPU",
  lasts: false,
  found: ({ driver: failure, gpus }) =>
    failure && gpus.size > 0 && dead.has(failure.kind)
      ? { words: `its GPUs can't be used: ${failure.sentence}`, since: failure.since }
      : undefined,
};
