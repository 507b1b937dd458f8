import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wholeFence } from "../../agent/watchdog/fence-file.js";
import { bootClock } from "../../shared/boot-clock.js";

const clock = bootClock();
export const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** A lease's fence in a data folder, as an agent writes it: good for so long from now. */
export function makeFence(
  data: string,
  lease: string,
  forMs: number,
  given: { policy?: string; group?: string; bootId?: string } = {},
): string {
  const path = join(data, "fences", lease);
  mkdirSync(join(data, "fences"), { recursive: true });
  const head = { policy: given.policy ?? "freeze", bootId: given.bootId ?? bootId, group: given.group };
  writeFileSync(`${path}.new`, wholeFence(head, clock.monotonic() + forMs));
  renameSync(`${path}.new`, path);
  return path;
}
