import { join } from "node:path";
import type { PreparationRecord } from "../core/preparation/state.js";
import { JsonFile } from "./json-file.js";

/** What this node has been prepared for. Lost or damaged, it is prepared anew: setup tasks can be run again. */
export const recordFile = (folder: string) => new JsonFile<PreparationRecord>(join(folder, "prepared.json"), isRecord);

function isRecord(found: unknown): found is PreparationRecord {
  if (typeof found !== "object" || found === null) return false;
  const { id, boot, digest, task } = found as Partial<PreparationRecord>;
  const texts = [id, boot, digest, task?.run].every((text) => typeof text === "string");
  if (!texts || !task || !/^\d+$/.test(task.run)) return false;
  if (task.state === "running") return [task.since, task.limitMs, task.graceMs].every(Number.isFinite);
  return task.state === "succeeded" || (task.state === "failed" && typeof task.fault?.message === "string");
}
