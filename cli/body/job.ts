import { create } from "@bufbuild/protobuf";
import { type JobSpec, JobSpecSchema, RetrySchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { ResourceIdSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { usage } from "../failure.js";
import { childPath } from "../ids.js";
import { isoDuration } from "./duration.js";
import { ignored, join, propertiesOf } from "./envelope.js";
import { conform, isObject, mistake } from "./shape.js";
import { unfilled, type VolumeFlags, volumesOf } from "./volumes.js";

export interface JobFlags extends VolumeFlags {
  /** A name in the same workspace, or an id. */
  cluster?: string | undefined;
}

export interface Loaded<T> {
  spec: T;
  warnings: string[];
}

const toolkits = JobSpecSchema.fields.filter(({ oneof }) => oneof?.name === "toolkit").map(({ jsonName }) => jsonName);

/** A real `job.json`, parsed, as the spec that is sent. */
export function loadJob(body: unknown, flags: JobFlags): Loaded<JobSpec> {
  const { value, root, unknown: beside } = propertiesOf(body);
  requireOneToolkit(value, root);
  const { priority, ...rest } = value;
  const { message: spec, unknown } = conform(JobSpecSchema, rest, root);
  if (priority !== undefined && priority !== null && spec.schedulingPriority === "") {
    spec.schedulingPriority = fromNumber(priority, join(root, "priority"));
  }
  if (!spec.retry) setRetry(spec, value, root);
  // A part that was left empty is one that isn't there.
  if (spec.jobPreparation?.commandLine.trim() === "") delete spec.jobPreparation;
  if (flags.cluster !== undefined) withCluster(spec, flags.cluster, flags.workspace);
  if (spec.constraints?.maxWallClockTime) {
    const path = join(root, "constraints.maxWallClockTime");
    spec.constraints.maxWallClockTime = isoDuration(spec.constraints.maxWallClockTime, path);
  }
  const volumes = volumesOf(spec.mountVolumes, flags);
  if (volumes) spec.mountVolumes = volumes;
  return { spec, warnings: [...ignored([...beside, ...unknown]), ...unfilled(volumes)] };
}

/** A name is one of the same workspace; an id may be of another. */
export function withCluster(spec: JobSpec, cluster: string, workspace: string): void {
  const id = cluster.includes("/") ? cluster : childPath(workspace, "clusters", cluster);
  spec.cluster = create(ResourceIdSchema, { id });
}

function requireOneToolkit(value: Record<string, unknown>, root: string): void {
  const present = toolkits.filter((key) => value[key] !== undefined && value[key] !== null);
  if (present.length === 1) return;
  const where = root === "" ? "the body" : root;
  if (present.length === 0) {
    throw usage(`${where}: found no toolkit block; a job has exactly one of ${toolkits.join(", ")}`);
  }
  throw usage(`${where}: found ${present.length} toolkit blocks, ${present.join(" and ")}; a job has exactly one`);
}

/** The preview's `constraints.maxRetryCount`. */
function setRetry(spec: JobSpec, { constraints }: Record<string, unknown>, root: string): void {
  const given = isObject(constraints) ? constraints.maxRetryCount : undefined;
  if (given === undefined || given === null) return;
  const maxCount = wholeOf(given, join(root, "constraints.maxRetryCount"));
  if (maxCount > 0) spec.retry = create(RetrySchema, { maxCount });
}

/** Older versions had a number from -1000 to 1000. */
function fromNumber(value: unknown, path: string): string {
  const number = wholeOf(value, path);
  return number < 0 ? "low" : number > 0 ? "high" : "normal";
}

function wholeOf(value: unknown, path: string): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) throw mistake(path, "a whole number", value);
  return number;
}
