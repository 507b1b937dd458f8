import type { World } from "../memory.js";
import { outputSegmentOf } from "../names.js";
import { withoutLastSlashes, withoutOuterSlashes } from "../slashes.js";
import type { Job } from "../state.js";
import { sharedPrefixOf } from "./shared-temp.js";

/** Where a job's files are, as texts that each node expands: the same for every attempt. */
export interface Places {
  /** "" when the job gave no prefix: then its std files stay in Stoker. */
  readonly stdDirectory: string;
  readonly sharedTemp: string;
  /** All nodes of the job see the same files there. */
  readonly isTempShared: boolean;
  readonly checkpointDirectory: string;
  readonly outputs: ReadonlyArray<{ readonly id: string; readonly path: string }>;
}

export function placesOf(world: World, job: Job): Places {
  const segment = outputSegmentOf(world, job);
  const { stdOutErrPathPrefix, checkpoint, outputDirectories } = job.spec;
  const base = stdOutErrPathPrefix === "" ? "" : joined(stdOutErrPathPrefix, segment);
  const shared = sharedPrefixOf(world, job);
  return {
    stdDirectory: base === "" ? "" : `${base}/stdouterr`,
    sharedTemp: shared === undefined ? "$AZ_BATCHAI_JOB_TEMP/shared" : `${joined(shared, segment)}/shared`,
    isTempShared: shared !== undefined,
    checkpointDirectory: checkpoint?.path || (base === "" ? "$AZ_BATCHAI_JOB_TEMP/checkpoints" : `${base}/checkpoints`),
    outputs: outputDirectories.map(({ id, pathPrefix, pathSuffix }) => ({
      id,
      path: joined(pathPrefix, segment, "outputs", pathSuffix),
    })),
  };
}

/** Slashes at the joints, and the ends of what is joined, count once. */
function joined(first: string, ...rest: string[]): string {
  const tail = rest.map((part) => withoutOuterSlashes(part)).filter((part) => part !== "");
  return [withoutLastSlashes(first), ...tail].join("/");
}
