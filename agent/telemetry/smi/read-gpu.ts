import type { MigDevice, SmiGpu, SmiProcess } from "../../core/health/smi-gpu.js";
import { busId } from "./bus-id.js";
import type { Element } from "./element.js";
import { bytesOf, numberOf, numberWithin, uuidOf, wordOf, yesNo } from "./value.js";

/** Where each value stands, oldest layouts last: places differ by driver and by card, whatever the document's version says. */
export function readGpu(gpu: Element, errors: { bodies: number; lost: boolean; requiresReset: boolean }): SmiGpu {
  const total = bytesOf(gpu.text("fb_memory_usage/total", "memory_usage/total"));
  const used = bytesOf(gpu.text("fb_memory_usage/used", "memory_usage/used"));
  return {
    ...given("uuid", uuidOf(gpu.text("uuid"))),
    ...given("name", wordOf(gpu.text("product_name"))),
    ...given("minor", numberOf(gpu.text("minor_number"))),
    ...given("busId", busId(gpu.attribute("id") ?? gpu.text("pci/pci_bus_id"))),
    memory: {
      ...given("totalBytes", total),
      ...given("usedBytes", used !== undefined && total !== undefined && used > total ? undefined : used),
      ...given("freeBytes", bytesOf(gpu.text("fb_memory_usage/free", "memory_usage/free"))),
      ...given("reservedBytes", bytesOf(gpu.text("fb_memory_usage/reserved"))),
    },
    ...given("utilizationPercent", percentOf(gpu.text("utilization/gpu_util"))),
    ...given("memoryUtilizationPercent", percentOf(gpu.text("utilization/memory_util"))),
    temperature: {
      ...given("celsius", celsiusOf(gpu.text("temperature/gpu_temp"))),
      ...given("memoryCelsius", celsiusOf(gpu.text("temperature/memory_temp"))),
      ...given("marginCelsius", celsiusOf(gpu.text("temperature/gpu_temp_tlimit"))),
    },
    power: readPower(gpu),
    clocks: {
      ...given("smMhz", numberOf(gpu.text("clocks/sm_clock"), "MHz")),
      ...given("memoryMhz", numberOf(gpu.text("clocks/mem_clock"), "MHz")),
      ...given("smMostMhz", numberOf(gpu.text("max_clocks/sm_clock"), "MHz")),
    },
    ...given("performanceState", wordOf(gpu.text("performance_state"))),
    link: readLink(gpu.child("pci")),
    eventReasons: readReasons(gpu),
    eventReasonUs: readReasonTimes(gpu.child("clocks_event_reasons_counters")),
    ecc: {
      ...given("enabled", yesNo(gpu.text("ecc_mode/current_ecc"))),
      ...given("uncorrected", uncorrected(gpu.child("ecc_errors/volatile"))),
      ...given("uncorrectedEver", uncorrected(gpu.child("ecc_errors/aggregate"))),
      ...given("sramThresholdExceeded", yesNo(gpu.text("ecc_errors/aggregate/sram_threshold_exceeded"))),
    },
    remappedRows: readRemapped(gpu),
    retiredPages: readRetired(gpu.child("retired_pages")),
    repairPending: ["channel_repair_pending", "tpc_repair_pending"].some(
      (name) => yesNo(gpu.text(`ecc_errors/${name}`, name)) === true,
    ),
    ...given("unrepairableMemory", yesNo(gpu.text("ecc_errors/unrepairable_memory", "unrepairable_memory"))),
    ...given("recoveryAction", recoveryAction(gpu)),
    // A word here, not the want of one: a driver that says so knows of a reset that was done.
    saysRecovered: gpu.text("gpu_recovery_action")?.trim() === "None",
    fabric: {
      ...given("state", wordOf(gpu.text("fabric/state"))),
      ...given("status", wordOf(gpu.text("fabric/status"))),
      ...given("health", wordOf(gpu.text("fabric/health/summary"))),
    },
    mig: {
      ...given("enabled", yesNo(gpu.text("mig_mode/current_mig"))),
      ...given("pending", yesNo(gpu.text("mig_mode/pending_mig"))),
      devices: gpu.child("mig_devices").children("mig_device").map(readMigDevice),
    },
    ...given("computeMode", wordOf(gpu.text("compute_mode"))),
    ...given("persistence", yesNo(gpu.text("persistence_mode"))),
    desktopDriver: gpu.text("driver_model/current_dm")?.trim() === "WDDM",
    processes: readProcesses(gpu),
    errorBodies: errors.bodies,
    lost: errors.lost,
    requiresReset: errors.requiresReset,
  };
}

const percentOf = (text: string | undefined) => numberWithin(text, "%", 0, 100);
const celsiusOf = (text: string | undefined) => numberWithin(text, "C", -100, 130);

function readPower(gpu: Element): SmiGpu["power"] {
  // Whole modules and memories have readings of the same names.
  const watts = (...paths: string[]) => {
    for (const path of paths) {
      const value = numberWithin(gpu.text(path), "W", 0, 100_000);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const now = "gpu_power_readings";
  const before = "power_readings";
  const draw = watts(
    `${now}/instant_power_draw`,
    `${now}/power_draw`,
    `${now}/average_power_draw`,
    `${before}/power_draw`,
  );
  const limit = watts(
    `${now}/current_power_limit`,
    `${now}/gpu_ceiling_power_limit/current_power_limit`,
    `${before}/enforced_power_limit`,
    `${before}/power_limit`,
  );
  return { ...given("drawWatts", draw), ...given("limitWatts", limit) };
}

function readLink(pci: Element): SmiGpu["link"] {
  const info = pci.child("pci_gpu_link_info");
  const width = (name: string) => numberWithin(info.text(`link_widths/${name}`)?.replace(/^\s*x/, ""), "x", 1, 64);
  const generation = (name: string) => numberWithin(info.text(`pcie_gen/${name}`), "", 1, 32);
  return {
    ...given("width", width("current_link_width")),
    ...given("widthMost", width("max_link_width")),
    ...given("generation", generation("current_link_gen")),
    ...given("generationMost", generation("max_link_gen")),
    ...given("replays", numberWithin(pci.text("replay_counter"), "", 0, Number.MAX_SAFE_INTEGER)),
  };
}

const reasonPrefix = /^clocks_(?:event|throttle)_reasons?_(?:counters_)?/;

function readReasons(gpu: Element): string[] {
  const newer = gpu.child("clocks_event_reasons").entries();
  const all = newer.length > 0 ? newer : gpu.child("clocks_throttle_reasons").entries();
  return all.filter(([, text]) => yesNo(text) === true).map(([name]) => name.replace(reasonPrefix, ""));
}

function readReasonTimes(counters: Element): Record<string, number> {
  const times: Record<string, number> = {};
  for (const [name, text] of counters.entries()) {
    const us = numberOf(text, "us");
    if (us !== undefined) times[name.replace(reasonPrefix, "")] = us;
  }
  return times;
}

/** Two layouts, by the card: a flat one, and trees of single and double bits. */
function uncorrected(errors: Element): number | undefined {
  const flat = [
    "dram_uncorrectable",
    "sram_uncorrectable",
    "sram_uncorrectable_parity",
    "sram_uncorrectable_secded",
  ].flatMap((name) => numberOf(errors.text(name)) ?? []);
  return flat.length > 0 ? flat.reduce((sum, count) => sum + count, 0) : numberOf(errors.text("double_bit/total"));
}

/** Of rows; and, on cards that set whole banks aside, of those. */
function readRemapped(gpu: Element): SmiGpu["remappedRows"] {
  const rows = gpu.child("remapped_rows");
  const banks = gpu.child("remapped_banks");
  const histogram = "row_remapper_histogram/row_remapper_histogram_none";
  return {
    ...given("corrected", numberOf(rows.text("remapped_row_corr"))),
    ...given("uncorrected", numberOf(rows.text("remapped_row_unc"))),
    ...given("pending", either(yesNo(rows.text("remapped_row_pending")), yesNo(banks.text("bank_remapper_pending")))),
    ...given("failure", yesNo(rows.text("remapped_row_failure"))),
    ...given("banksWithoutSpare", numberOf(rows.text(histogram), "bank(s)")),
  };
}

/** Undefined only of two that are. */
const either = (a: boolean | undefined, b: boolean | undefined) => (a === true || b === true ? true : (a ?? b));

const readRetired = (pages: Element): SmiGpu["retiredPages"] => ({
  ...given("corrected", numberOf(pages.text("multiple_single_bit_retirement/retired_count"))),
  ...given("uncorrected", numberOf(pages.text("double_bit_retirement/retired_count"))),
  ...given("pending", yesNo(pages.text("pending_retirement")) ?? yesNo(pages.text("pending_blacklist"))),
});

function recoveryAction(gpu: Element): string | undefined {
  const action = wordOf(gpu.text("gpu_recovery_action"));
  if (action !== undefined) return action;
  if (yesNo(gpu.text("gpu_reset_status/reset_required")) === true) return "Reset";
  return yesNo(gpu.text("gpu_reset_status/drain_and_reset_recommended")) === true ? "Drain and Reset" : undefined;
}

const readMigDevice = (device: Element): MigDevice => ({
  ...given("index", numberOf(device.text("index"))),
  ...given("gpuInstance", numberOf(device.text("gpu_instance_id"))),
  ...given("computeInstance", numberOf(device.text("compute_instance_id"))),
  ...given("memoryBytes", bytesOf(device.text("fb_memory_usage/total"))),
  ...given("usedBytes", bytesOf(device.text("fb_memory_usage/used"))),
});

function readProcesses(gpu: Element): SmiProcess[] {
  const listed = [
    ...gpu.child("processes").children("process_info"),
    ...gpu.child("compute_processes").children("process_info"),
  ];
  return listed.flatMap((process) => {
    const pid = numberOf(process.text("pid"));
    if (pid === undefined) return [];
    return {
      pid,
      type: wordOf(process.text("type")) ?? "C",
      ...given("name", wordOf(process.text("process_name"))),
      ...given("memoryBytes", bytesOf(process.text("used_memory"))),
      ...given("gpuInstance", numberOf(process.text("gpu_instance_id"))),
      ...given("computeInstance", numberOf(process.text("compute_instance_id"))),
    };
  });
}

const given = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
