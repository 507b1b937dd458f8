/** What a machine is made of, as far as its firmware tells. */
export interface Hardware {
  /** Such as `Supermicro SYS-420GP-TNR`; empty: it does not say. */
  model: string;
  firmware: string;
  processors: { count: number; model: string; cores: number };
  memoryModules: ReadonlyArray<{
    slot: string;
    sizeBytes: number;
    type: string;
    speedMtps: number;
    ecc: boolean | undefined;
  }>;
  disks: ReadonlyArray<{
    device: string;
    model: string;
    sizeBytes: number;
    kind: string;
    health: "good" | "failing" | "unknown";
  }>;
}
