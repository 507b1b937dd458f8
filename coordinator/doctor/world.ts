import type { Machine } from "../../shared/doctor/machine.js";

export interface CoordinatorWorld {
  machine: Machine;
  dataDir: string;
  hostName: string;
  unit: string;
  needed: readonly string[];
  wanted: readonly string[];
  /** `host:port` */
  listen: string;
  /** Undefined: NATS is another's. */
  natsServer: string | undefined;
  natsUrl: string | undefined;
}
