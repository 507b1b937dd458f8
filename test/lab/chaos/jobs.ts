import type { MessageInitShape } from "@bufbuild/protobuf";
import type { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { Random } from "./random.js";

/** What a rank does besides marking; see rank.c. */
export type Manner = "plain" | "stubborn" | "stays";

/** One job of the load, and how it must end. */
export interface PlannedJob {
  name: string;
  nodeCount: number;
  cpus: number;
  manner: Manner;
  /** A tenth of a second each. */
  lines: number;
  exitCode: number;
  retries: number;
  padding: number;
  /** An operator stops it so long after it was accepted. */
  terminateAfterMs: number | undefined;
}

/** The n-th of a seed: the same however many others there are. */
export function plannedJob(seed: number, index: number, nodes: number, longestMs: number): PlannedJob {
  const random = new Random((seed ^ Math.imul(index + 1, 2_654_435_761)) >>> 0);
  const fails = random.next() < 0.15;
  return {
    name: `j${index}`,
    nodeCount: random.next() < 0.35 ? random.whole(2, Math.min(3, nodes)) : 1,
    cpus: random.whole(1, 2),
    manner: random.among(["plain", "plain", "plain", "stubborn", "stays"] as const),
    lines: random.whole(3, longestMs / 100),
    exitCode: fails ? random.whole(1, 60) : 0,
    retries: random.next() < 0.3 ? 1 : 0,
    padding: random.whole(0, 250),
    terminateAfterMs: random.next() < 0.05 ? Math.round(random.between(0, longestMs)) : undefined,
  };
}

type JobSpec = MessageInitShape<typeof JobSpecSchema>;

/** `share`: with what `furnish` has made of it. */
export function specOf(job: PlannedJob, commandLine: string, share = false): JobSpec {
  const fileServers = [{ fileServer: { id: "share" }, relativeMountPath: "share" }];
  return {
    ...(share ? { mountVolumes: { fileServers } } : {}),
    cluster: { id: "all" },
    nodeCount: job.nodeCount,
    resources: { cpus: job.cpus },
    retry: { maxCount: job.retries },
    toolkit:
      job.nodeCount === 1
        ? { case: "customToolkitSettings", value: { commandLine } }
        : {
            case: "pyTorchSettings",
            value: { commandLine, processCount: job.nodeCount, communicationBackend: "gloo" },
          },
  };
}

export const wordsOf = (job: PlannedJob) => [job.manner, String(job.lines), String(job.exitCode), String(job.padding)];

/** As rank.c writes it. */
export function stdoutOf(job: PlannedJob, attempt: number, rank: number): Buffer {
  const line = (index: number) => `${job.name} ${attempt} ${rank} ${index} ${".".repeat(job.padding)}\n`;
  return Buffer.from(Array.from({ length: job.lines }, (_, index) => line(index)).join(""));
}
