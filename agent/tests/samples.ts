import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Check, Outcome } from "./check.js";
import { type Ended, start } from "./program.js";

/** Programs of NVIDIA's that some machines have, beside our own test: what they say is told as theirs. */
interface Sample {
  name: string;
  words: readonly string[];
  read(output: string): Record<string, number>;
}

const samples: readonly Sample[] = [
  {
    name: "nvbandwidth",
    words: ["-t", "host_to_device_memcpy_ce", "device_to_host_memcpy_ce"],
    read: nvbandwidthNumbers,
  },
  { name: "bandwidthTest", words: [], read: bandwidthTestNumbers },
  { name: "deviceQuery", words: [], read: () => ({}) },
];

const limitMs = 120_000;
/** Where installations of CUDA put them; those of the PATH come first. */
const usual = [
  "/usr/local/cuda/bin",
  "/usr/local/cuda/extras/demo_suite",
  "/usr/local/cuda/samples/bin/x86_64/linux/release",
];

/** Each that this machine has, on one GPU. */
export async function sampleChecks(
  uuid: string,
  folders: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Check[]> {
  const known = folders ?? [...(process.env.PATH ?? "").split(delimiter).filter(Boolean), ...usual];
  const checks: Check[] = [];
  for (const sample of samples) {
    const program = known.map((folder) => join(folder, sample.name)).find((path) => existsSync(path));
    if (program === undefined) continue;
    // It sees this GPU alone, as its first one.
    const environment = { CUDA_VISIBLE_DEVICES: uuid };
    checks.push(sampleCheck(sample, uuid, await start(program, sample.words, { limitMs, environment, signal }).ended));
  }
  if (checks.length > 0) return checks;
  const names = samples.map(({ name }) => name).join(", ");
  const message = `none of NVIDIA's samples is installed: ${names}`;
  return [{ name: "sample", gpuUuid: uuid, outcome: "skipped", message, numbers: {} }];
}

export function sampleCheck(
  { name, read }: Pick<Sample, "name" | "read">,
  uuid: string,
  { code, output, missing }: Ended,
): Check {
  const told = (outcome: Outcome, message: string, numbers: Record<string, number> = {}): Check => ({
    ...{ name: "sample", gpuUuid: uuid, outcome, message: message.slice(0, 450), numbers },
  });
  if (missing) return told("skipped", `${name} could not be started`);
  if (code === undefined) return told("failed", `${name} did not end within ${limitMs / 1000} s`);
  const numbers = read(output);
  const failure = /^.*(?:Result = FAIL|CUDA error|CUDA_ERROR_|cudaError|ERROR:).*$/im.exec(output)?.[0]?.trim();
  // Built for another driver, or for other GPUs: that is not the GPU's fault.
  const unfit =
    /insufficient for CUDA runtime|cudaErrorInsufficientDriver|no kernel image|CUDA_ERROR_NO_BINARY|unsupported toolchain|error while loading shared libraries|not found/i;
  const last = output.trim().split("\n").at(-1)?.trim() ?? "";
  if (unfit.test(output)) return told("skipped", `${name} does not fit this machine: ${failure ?? last}`);
  if (failure !== undefined) return told("failed", `${name} failed: ${failure}`);
  if (code !== 0) return told("skipped", `${name} could not be run (exit code ${code}): ${last.slice(0, 200)}`);
  const rates = Object.entries(numbers).map(([way, value]) => `${value} MB/s ${ways[way] ?? way}`);
  return told("passed", `${name} passed${rates.length === 0 ? "" : `: ${rates.join(", ")}`}`, numbers);
}

const ways: Record<string, string> = {
  hostToDeviceMBps: "to it",
  deviceToHostMBps: "from it",
  withinDeviceMBps: "within it",
};

/** `SUM host_to_device_memcpy_ce 25.17`, in GB/s. */
export function nvbandwidthNumbers(output: string): Record<string, number> {
  const of = (test: string) => Number(new RegExp(`^SUM ${test} ([\\d.]+)`, "m").exec(output)?.[1]) * 1000;
  return finite({ hostToDeviceMBps: of("host_to_device_memcpy_ce"), deviceToHostMBps: of("device_to_host_memcpy_ce") });
}

/** Newer ones tell GB/s, older ones MB/s. */
export function bandwidthTestNumbers(output: string): Record<string, number> {
  const of = (way: string) => {
    const found = new RegExp(`${way} Bandwidth[\\s\\S]*?Bandwidth\\s*\\((GB|MB)/s\\)\\s+\\d+\\s+([\\d.]+)`).exec(
      output,
    );
    return Number(found?.[2]) * (found?.[1] === "GB" ? 1000 : 1);
  };
  return finite({
    ...{ hostToDeviceMBps: of("Host to Device"), deviceToHostMBps: of("Device to Host") },
    withinDeviceMBps: of("Device to Device"),
  });
}

const finite = (numbers: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(numbers).flatMap(([name, value]) => (Number.isFinite(value) ? [[name, Math.round(value)]] : [])),
  );
