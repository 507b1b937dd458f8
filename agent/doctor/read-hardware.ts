import { baseboard, bios, cpu, diskLayout, memLayout, osInfo, system } from "systeminformation";
import type { Hardware } from "./hardware.js";

/** Asks firmware and disks: it takes a second, some memory for good, and programs that a sick disk may hold up. Not for a process that has ranks. */
export async function readHardware(): Promise<Hardware & { os: string }> {
  const [machine, board, firmware, processor, modules, disks, os] = await Promise.all([
    ...([system(), baseboard(), bios()] as const),
    ...([cpu(), memLayout(), diskLayout(), osInfo()] as const),
  ]);
  const maker = [machine.manufacturer, machine.model].filter(isSaid).join(" ");
  return {
    model: maker === "" ? [board.manufacturer, board.model].filter(isSaid).join(" ") : maker,
    firmware: [firmware.vendor, firmware.version].filter(isSaid).join(" "),
    processors: {
      count: processor.processors || 1,
      model: [processor.manufacturer, processor.brand].filter(isSaid).join(" "),
      cores: processor.physicalCores,
    },
    // A virtual machine has memory without modules: one row without a slot.
    memoryModules: modules
      .filter(({ size, bank, type }) => size > 0 && (isSaid(bank) || isSaid(type)))
      .map(({ size, bank, type, clockSpeed, ecc }) => ({
        ...{ slot: bank, sizeBytes: size, type, speedMtps: clockSpeed ?? 0 },
        ecc: ecc ?? undefined,
      })),
    disks: disks.map(({ device, vendor, name, size, type, smartStatus }) => ({
      device,
      model: [vendor, name].filter(isSaid).join(" "),
      sizeBytes: size,
      kind: type,
      health: healthOf(smartStatus),
    })),
    os: [os.distro, os.release].filter(isSaid).join(" "),
  };
}

/** What vendors leave in fields that they did not fill in. */
const isSaid = (text: string) =>
  !/^(?:|-|unknown|default string|to be filled.*|not specified|system .*name)$/i.test(text.trim());

/** As smartctl words it, or "unknown" where that is not installed. */
function healthOf(status: string): "good" | "failing" | "unknown" {
  if (/^(?:ok|passed)$/i.test(status)) return "good";
  return /^(?:unknown|)$/i.test(status.trim()) ? "unknown" : "failing";
}
