/** One GPU as `nvidia-smi -q -x` tells it. Whatever it does not say, or says in place of a value, is undefined. */
export interface SmiGpu {
  uuid?: string;
  name?: string;
  /** Of /dev/nvidiaN: not the order in which GPUs are listed. */
  minor?: number;
  /** See busId. */
  busId?: string;
  memory: { totalBytes?: number; usedBytes?: number; freeBytes?: number; reservedBytes?: number };
  utilizationPercent?: number;
  memoryUtilizationPercent?: number;
  temperature: { celsius?: number; memoryCelsius?: number; marginCelsius?: number };
  power: { drawWatts?: number; limitWatts?: number };
  clocks: { smMhz?: number; memoryMhz?: number; smMostMhz?: number };
  performanceState?: string;
  link: { width?: number; widthMost?: number; generation?: number; generationMost?: number; replays?: number };
  /** Of its NVLinks; told by another call than all else here. */
  nvlinksActive?: number;
  /** Why its clocks are lower than they could be, active ones: `gpu_idle`, `hw_thermal_slowdown`, … */
  eventReasons: string[];
  /** How long each reason has held, in microseconds since the driver was loaded. */
  eventReasonUs: Readonly<Record<string, number>>;
  ecc: { enabled?: boolean; uncorrected?: number; uncorrectedEver?: number; sramThresholdExceeded?: boolean };
  remappedRows: {
    corrected?: number;
    uncorrected?: number;
    pending?: boolean;
    failure?: boolean;
    banksWithoutSpare?: number;
  };
  retiredPages: { corrected?: number; uncorrected?: number; pending?: boolean };
  repairPending: boolean;
  unrepairableMemory?: boolean;
  /** `Reset`, `Reboot`, `Drain P2P`, …; undefined when none is asked for. */
  recoveryAction?: string;
  /** Its driver knows of such actions, and asks for none. */
  saysRecovered: boolean;
  fabric: { state?: string; status?: string; health?: string };
  mig: { enabled?: boolean; pending?: boolean; devices: MigDevice[] };
  computeMode?: string;
  persistence?: boolean;
  /** Windows' desktop driver: none of its processes is a job. */
  desktopDriver: boolean;
  processes: SmiProcess[];
  /** Values that read `GPU is lost`, `Unknown Error` and the like. */
  errorBodies: number;
  lost: boolean;
  requiresReset: boolean;
}

export interface MigDevice {
  index?: number;
  gpuInstance?: number;
  computeInstance?: number;
  /** Compute instances of one GPU instance each show all of its memory. */
  memoryBytes?: number;
  usedBytes?: number;
}

export interface SmiProcess {
  pid: number;
  /** C, G, C+G or M+C. */
  type: string;
  /** Written by the process itself: escape it wherever it goes. */
  name?: string;
  memoryBytes?: number;
  gpuInstance?: number;
  computeInstance?: number;
}
