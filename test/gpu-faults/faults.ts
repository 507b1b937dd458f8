import type { GpuChange, Scene } from "../fakes/recorded-smi/scene.js";

/** One fault that is injected: what the kernel says of it, or what nvidia-smi does; and what must come of it. */
export interface InjectedFault {
  name: string;
  /** `bus`: of the GPU that it is about. */
  kernel?(bus: string): string[];
  gpu?: GpuChange;
  /** The program ends too, as the application's own fault makes it. */
  programEnds?: true;
  becomes: "failed" | "draining" | "healthy";
  rule: string;
  /** Of the GPU's state, or of the job's end where the GPU stays as it was. */
  sentence: RegExp;
}

const xid = (code: number, text: string) => (bus: string) => [
  `NVRM: Xid (PCI:${bus}): ${code}, pid='<unknown>', ${text}`,
];
const failed = (
  name: string,
  rule: string,
  sentence: RegExp,
  how: Pick<InjectedFault, "kernel" | "gpu">,
): InjectedFault => ({
  ...{ name, rule, sentence, becomes: "failed" },
  ...how,
});

/** Of single GPUs: their neighbours on the same machine must not notice. */
export const gpuFaults: readonly InjectedFault[] = [
  failed("fell off the bus", "xid-79", /fell off the bus, Xid 79, \d\d:\d\d:\d\d UTC/, {
    kernel: xid(79, "GPU has fallen off the bus."),
  }),
  failed("fell off the bus without an Xid", "fell-off", /fell off the bus, \d\d:\d\d:\d\d UTC/, {
    kernel: (bus) => [
      `NVRM: The NVIDIA GPU ${bus}.0 (PCI ID: 10de:2330) installed in this system has fallen off the bus and is not responding to commands.`,
    ],
  }),
  failed("double bit error", "xid-48", /Xid 48, /, {
    kernel: xid(48, "An uncorrectable double bit error (DBE) has been detected"),
  }),
  failed("power cable", "xid-54", /auxiliary power.*Xid 54, /, { kernel: xid(54, "Auxiliary power is not connected") }),
  failed("halted controller", "xid-62", /internal controller.*Xid 62, /, { kernel: xid(62, "1b14 0000 0000") }),
  failed("row remapping failed", "xid-64", /row of its memory.*Xid 64, /, {
    kernel: xid(64, "Row Remapper: Error: all reserved rows are in use"),
  }),
  failed("NVLink", "xid-74", /NVLink.*Xid 74, /, { kernel: xid(74, "NVLink: fatal error detected on link 3") }),
  failed("uncontained memory error", "xid-95", /Xid 95, /, { kernel: xid(95, "Uncontained: LTC TAG") }),
  failed("context switch", "xid-109", /Xid 109, /, {
    kernel: xid(109, "name=python, Ch 00000008, errorString CTX SWITCH TIMEOUT"),
  }),
  failed("silent system processor", "xid-119", /Xid 119, /, {
    kernel: xid(119, "Timeout after 6s of waiting for RPC response from GPU0 GSP!"),
  }),
  failed("asks for a reset", "xid-154", /GPU Reset Required, Xid 154, /, {
    kernel: xid(154, "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"),
  }),
  failed("PCIe error", "pcie-fatal", /fatal error on its PCIe link, /, {
    kernel: (bus) => [`pcieport 0000:50:01.0: AER: Uncorrected (Fatal) error received: ${bus}`],
  }),
  failed("no longer listed", "missing", /is no longer listed by nvidia-smi, /, { gpu: { gone: true } }),
  failed("lost", "lost", /is lost: the driver can't reach it, /, { gpu: { says: "GPU is lost" } }),
  failed("requires a reset", "recovery", /has to be reset, /, { gpu: { says: "GPU requires reset" } }),
  {
    ...{ name: "row to be remapped", becomes: "draining", rule: "xid-63", sentence: /Xid 63, / },
    kernel: xid(63, "Row Remapper: New row marked for remapping, reset gpu to activate."),
  },
  {
    ...{ name: "the program's own mistake", becomes: "healthy", rule: "", sentence: /Xid 31, /, programEnds: true },
    kernel: xid(31, "name=python, Ch 00000010, MMU Fault: ENGINE GRAPHICS faulted @ 0x7f20_00000000"),
  },
];

/** Of whole machines: nothing new may begin there. */
export interface NodeFault {
  name: string;
  kernel?: string[];
  scene?: Partial<Scene>;
  /** Of the node's reason. */
  sentence: RegExp;
  /** Its jobs are ended, too: there is nothing left for them to run on. */
  endsJobs: boolean;
}

const check = "mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 7: be00000000800400";

export const nodeFaults: readonly NodeFault[] = [
  {
    ...{ name: "dead driver", sentence: /its GPUs can't be used: the NVIDIA driver is not loaded/, endsJobs: false },
    scene: {
      on: {
        all: {
          exitCode: 9,
          stdout:
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n",
        },
      },
    },
  },
  {
    ...{
      name: "storm of machine checks",
      sentence: /its hardware reported 3 errors within ten minutes/,
      endsJobs: false,
    },
    kernel: [check, check, check],
  },
  {
    ...{ name: "all GPUs gone", sentence: /all of its 8 GPUs are gone/, endsJobs: true },
    scene: { gpus: Object.fromEntries(Array.from({ length: 8 }, (_, at) => [at, { gone: true }])) },
  },
];
