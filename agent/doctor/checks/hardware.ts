import { type Check, type Finding, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { Hardware } from "../hardware.js";
import type { AgentWorld } from "../world.js";

const limitMs = 20_000;
const gib = 2 ** 30;

export const hardware: Check<AgentWorld> = {
  name: "hardware",
  async look({ machine, agentProgram }) {
    const ran = await machine.run([...agentProgram, "hardware"], limitMs);
    if (ran?.code !== 0) {
      const why = ran?.code === 137 ? `does not tell within ${limitMs / 1_000} s` : "can't be asked";
      return warn(`what this machine is made of ${why}: a disk may hang`, "dmesg --level err,warn");
    }
    const found = JSON.parse(ran.stdout) as Hardware;
    return [ok(summaryOf(found)), ...memoryFindings(found), ...diskFindings(found)];
  },
};

function summaryOf({ model, processors, memoryModules, disks }: Hardware): string {
  const { count, cores } = processors;
  const modules = new Map<string, number>();
  for (const { sizeBytes, type } of memoryModules) {
    const kind = `${Math.round(sizeBytes / gib)} GiB ${type}`.trim();
    modules.set(kind, (modules.get(kind) ?? 0) + 1);
  }
  const memory = [...modules].map(([kind, times]) => `${times} × ${kind}`).join(" and ");
  const parts = [
    model === "" ? "a machine that does not name itself" : model,
    `${count} × ${processors.model === "" ? "processor" : processors.model}, ${cores} cores`,
    ...(memory === "" ? [] : [memory]),
    ...(disks.length === 0 ? [] : [`${disks.length} ${disks.length === 1 ? "disk" : "disks"}`]),
  ];
  return parts.join("; ");
}

/** Modules of different speeds all run at the slowest one's; one without ECC beside others with it is a mistake of whoever put it in. */
function memoryFindings({ memoryModules }: Hardware): Finding[] {
  const speeds = [...new Set(memoryModules.map(({ speedMtps }) => speedMtps).filter((speed) => speed > 0))];
  const without = memoryModules.filter(({ ecc }) => ecc === false);
  const found: Finding[] = [];
  if (speeds.length > 1) {
    const slowest = Math.min(...speeds);
    const slots = memoryModules.filter(({ speedMtps }) => speedMtps === slowest).map(({ slot }) => slot);
    found.push(
      warn(
        `memory modules of different speeds: all run at ${slowest} MT/s, that of ${slots.join(", ")}`,
        "dmidecode -t memory",
      ),
    );
  }
  if (without.length > 0 && without.length < memoryModules.length) {
    found.push(
      warn(
        `memory without error correction among modules that have it: ${without.map(({ slot }) => slot).join(", ")}`,
        "dmidecode -t memory",
      ),
    );
  }
  return found;
}

function diskFindings({ disks }: Hardware): Finding[] {
  return disks
    .filter(({ health }) => health === "failing")
    .map(({ device, model }) =>
      fail(`disk ${device} (${model}) says of itself that it is failing: replace it`, `smartctl --all ${device}`),
    );
}
