import { busId } from "./bus-id.js";

/** How a run of nvidia-smi ended. */
export interface SmiRun {
  /** Undefined when a signal ended it, or it never did. */
  exitCode: number | undefined;
  output: string;
  timedOut: boolean;
  /** There is no such program. */
  missing: boolean;
}

export type SmiFailureKind =
  | "not-installed"
  | "hangs"
  | "driver-not-loaded"
  | "version-mismatch"
  | "library-missing"
  | "no-permission"
  | "no-devices"
  | "gpu-lost"
  | "reset-required"
  | "power-cable"
  | "interrupts"
  | "blocked"
  | "inforom"
  | "bad-arguments"
  | "unknown-error"
  | "unreadable"
  | "failed";

export interface SmiFailure {
  kind: SmiFailureKind;
  /** For people: what it means and what helps. */
  sentence: string;
  /** Of the GPU that can't be reached, as far as it says. */
  busId?: string;
}

interface Rule {
  kind: SmiFailureKind;
  /** The exit code is NVML's return code, modulo 256. */
  exitCodes: readonly number[];
  text: RegExp;
  sentence: string;
}

/** In this order. Texts differ by driver in blanks and case: an exit code or a text is enough. */
const rules: readonly Rule[] = [
  {
    kind: "version-mismatch",
    exitCodes: [18],
    text: /driver\/library version mismatch/i,
    sentence:
      "the NVIDIA driver was upgraded while the old one is loaded: running jobs go on; drain the node, then reload the kernel module or reboot",
  },
  {
    kind: "library-missing",
    exitCodes: [12, 13],
    text: /couldn't find libnvidia-ml|mismatch in versions between nvidia-smi and nvml/i,
    sentence:
      "nvidia-smi and the NVIDIA library do not belong together or the library is missing: reinstall the driver",
  },
  {
    kind: "driver-not-loaded",
    exitCodes: [9],
    text: /couldn't communicate with the nvidia driver/i,
    sentence: "the NVIDIA driver is not loaded: try `modprobe nvidia`, and see `dkms status` after a kernel upgrade",
  },
  {
    kind: "gpu-lost",
    exitCodes: [15],
    text: /gpu is lost|unable to determine the device handle for gpu/i,
    sentence:
      "a GPU has fallen off the bus: reboot the machine; if it comes again, have the card and its slot looked at",
  },
  {
    kind: "reset-required",
    exitCodes: [16],
    text: /gpu requires reset|reset required/i,
    sentence: "a GPU needs a reset: drain the node, then `nvidia-smi --gpu-reset`",
  },
  {
    kind: "no-permission",
    exitCodes: [4],
    text: /insufficient permissions/i,
    sentence: "the agent's account may not use the GPUs: look at the owner and mode of /dev/nvidia*",
  },
  {
    kind: "no-devices",
    exitCodes: [6],
    text: /no devices were found/i,
    sentence: "the NVIDIA driver finds no GPU: see `lspci | grep -i nvidia` and the kernel's log",
  },
  {
    kind: "power-cable",
    exitCodes: [8],
    text: /external power/i,
    sentence: "a GPU's power cable is not connected",
  },
  {
    kind: "interrupts",
    exitCodes: [10],
    text: /interrupt/i,
    sentence: "the kernel found an interrupt problem with a GPU: reboot; then look at the BIOS and the slot",
  },
  {
    kind: "inforom",
    exitCodes: [14],
    text: /inforom is corrupted/i,
    sentence: "a GPU's infoROM is corrupted: it works, and its card should be looked at",
  },
  {
    kind: "blocked",
    exitCodes: [17],
    text: /blocked by the operating system/i,
    sentence: "the system does not let this process reach the GPUs (a container or WSL without them)",
  },
  {
    kind: "bad-arguments",
    exitCodes: [1, 2],
    text: /is not a valid field to query|invalid combination of input arguments/i,
    sentence: "this nvidia-smi does not know what it was asked: its driver is too old",
  },
  {
    kind: "unknown-error",
    exitCodes: [255],
    text: /unknown error/i,
    sentence:
      "the NVIDIA driver answers `Unknown Error`: in a container, start it again (a daemon-reload drops its devices); else see the kernel's log for Xid",
  },
];

/** What a run that gave no usable answer means. */
export function explainFailure({ exitCode, output, timedOut, missing }: SmiRun): SmiFailure {
  if (missing) return { kind: "not-installed", sentence: "there is no nvidia-smi on this machine" };
  if (timedOut) {
    return {
      kind: "hangs",
      sentence: "nvidia-smi does not answer: a GPU or its driver hangs; see the kernel's log for Xid",
    };
  }
  // Texts first: exit codes have changed their meaning, and some are only known from the enumeration.
  const rule =
    rules.find(({ text }) => text.test(output)) ??
    rules.find(({ exitCodes }) => exitCode !== undefined && exitCodes.includes(exitCode));
  if (rule) {
    const bus = busId(/device handle for gpu\s*([0-9a-f:.]+)/i.exec(output)?.[1]?.replace(/[:.]+$/, ""));
    return { kind: rule.kind, sentence: rule.sentence, ...(bus === undefined ? {} : { busId: bus }) };
  }
  const words = output.trim().split("\n")[0]?.slice(0, 200) ?? "";
  const how = exitCode === undefined ? "was killed" : `ended with exit code ${exitCode}`;
  return { kind: "failed", sentence: `nvidia-smi ${how}${words === "" ? "" : `: ${words}`}` };
}
