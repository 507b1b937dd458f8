import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountEntry } from "./mountinfo.js";

export type MountKindName = Exclude<MountPlan["kind"]["case"], undefined>;
export type MountKindValue<K extends MountKindName> = Extract<MountPlan["kind"], { case: K }>["value"];

/** One way of mounting. All of it is pure: what is run, and how its result is known. */
export interface MountKind<T> {
  /** Of a mount that could not be made, as in a job's errors. */
  errorCode: string;
  /** The command that mounts at `path`, which exists by then. */
  command(value: T, path: string): readonly [string, ...string[]];
  /** True when what is mounted there is what the plan asks for. */
  matches(value: T, entry: MountEntry): boolean;
  /** For a person who has to find out what is wrong. */
  details(value: T): Array<{ name: string; value: string }>;
}
