import type { Power } from "./power.js";

export interface Slot {
  /** `m1` and so on. */
  name: string;
  /** The machine's disk and console, on the host. */
  folder: string;
  power: Power;
}

/** What kind of machine stands in a slot. */
export interface Tier {
  /** Plugs it in and gives the command that is the running machine. */
  boot(slot: Slot, shareFolder: string): Promise<string[]>;
  /** Called once it says that it is up. */
  greet(slot: Slot): Promise<void>;
  /** The host's command that runs argv inside, as root, and passes its exit code on. */
  enter(slot: Slot, argv: string[]): string[];
  /** Called after power was cut. */
  cleanUp(slot: Slot): Promise<void>;
  /** How much longer than on a quick machine things may take here. */
  slowness: number;
}
