import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountEntry } from "./mountinfo.js";

export type MountKindName = Exclude<MountPlan["kind"]["case"], undefined>;
export type MountKindValue<K extends MountKindName> = Extract<MountPlan["kind"], { case: K }>["value"];

/**
 * The last word is what counts. A server may be anybody's: what it shows as a device of this machine is none, and what is there with a bit to become
 * root gives nobody anything.
 */
export const harmless = "nosuid,nodev";

/** One way of mounting. All of it is pure: what is run, and how its result is known. */
export interface MountKind<T> {
  /** Of a mount that could not be made, as in a job's errors. */
  errorCode: string;
  /** The command that mounts at `path`, which exists by then. No word of it is a secret: everybody on the machine can read it. */
  command(value: T, path: string, given: Given): readonly [string, ...string[]];
  /** True when what is mounted there is what the plan asks for. */
  matches(value: T, entry: MountEntry): boolean;
  /** For a person who has to find out what is wrong. */
  details(value: T): Array<{ name: string; value: string }>;
  /** What must never be told, whatever the command says. */
  secrets?(value: T): string[];
  /** Text of a file in memory that only root can read, and that goes when the command has ended. */
  secretFile?(value: T): string;
  /** It is the user's own command: run with the job's variables. */
  isUsers?: true;
  /** Ends when nothing is left in its cache that has yet to reach the server: run before it is unmounted. */
  flush?(cache: string): readonly [string, ...string[]];
  /** Variables of the command. */
  environment?(value: T): Record<string, string>;
}

/** What a command may use. */
export interface Given {
  /** Holds `secretFile`; "" for a kind without. */
  secretFile: string;
  /** A folder of this mount's own on the local disk, which goes with it. */
  cache: string;
}
