import type { MountPlan } from "../../shared/gen/stoker/v1/mount_pb.js";
import { cifs } from "./cifs.js";
import { command } from "./command.js";
import type { Given, MountKind, MountKindName, MountKindValue } from "./kind.js";
import type { MountEntry } from "./mountinfo.js";
import { nfs } from "./nfs.js";
import { rclone } from "./rclone.js";

/** A member of MountPlan's oneof without an entry here does not compile. */
const kinds: { [K in MountKindName]: MountKind<MountKindValue<K>> } = { nfs, command, cifs, rclone };

/** Of every kind that keeps something back. */
export const flushCommands = (cache: string) =>
  Object.values(kinds).flatMap(({ flush }) => (flush ? [flush(cache)] : []));

/** A plan with its value in it. */
export interface BoundMount {
  errorCode: string;
  command(path: string, given: Given): readonly [string, ...string[]];
  matches(entry: MountEntry): boolean;
  details: Array<{ name: string; value: string }>;
  secrets: string[];
  /** Undefined when it needs none. */
  secretFile: string | undefined;
  environment: Record<string, string>;
  isUsers: boolean;
}

/** Undefined for a kind that this agent does not know: its coordinator is newer. */
export function bind({ kind }: MountPlan): BoundMount | undefined {
  return kind.case === undefined ? undefined : bound(kind.case, kind.value);
}

function bound<K extends MountKindName>(name: K, value: MountPlan["kind"]["value"]): BoundMount {
  const kind: MountKind<MountKindValue<K>> = kinds[name];
  const own = value as MountKindValue<K>;
  return {
    errorCode: kind.errorCode,
    command: (path, given) => kind.command(own, path, given),
    matches: (entry) => kind.matches(own, entry),
    details: kind.details(own),
    secrets: kind.secrets?.(own) ?? [],
    secretFile: kind.secretFile?.(own),
    environment: kind.environment?.(own) ?? {},
    isUsers: kind.isUsers ?? false,
  };
}
