import { toBinary } from "@bufbuild/protobuf";
import { Fault } from "../../../shared/fault.js";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findExperiment } from "../../core/names.js";
import type { Job } from "../../core/state.js";
import { type PageRequest, pageSizeOf, startOf, tokenAfter } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

/** A page is cut short before it outgrows what clients take in one message (16 MiB). */
const pageBytesMax = 8 * 1024 * 1024;

/** In the order of submission. */
export function listJobs(ports: ApiPorts): Handlers<typeof JobService>["listJobs"] {
  return (request) => {
    const state = ports.state();
    const experiment = findExperiment(state, request.parent);
    const size = pageSizeOf(request);
    const page: Job[] = [];
    let bytes = 0;
    for (const uuid of state.index.jobsOfExperiment.get(experiment.uuid)?.values(firstOf(request)) ?? []) {
      const row = state.jobs.get(uuid);
      if (!row) continue;
      bytes += toBinary(JobSpecSchema, row.spec).length;
      const last = page.at(-1);
      if (last && (page.length === size || bytes > pageBytesMax)) {
        return {
          jobs: page.map((job) => jobView(state, job)),
          nextPageToken: tokenAfter("jobs", String(last.sequence)),
        };
      }
      page.push(row);
    }
    return { jobs: page.map((job) => jobView(state, job)), nextPageToken: "" };
  };
}

function firstOf(request: PageRequest): number {
  const after = startOf("jobs", request) ?? "0";
  if (!/^\d{1,15}$/.test(after)) throw new Fault("invalid-argument", "page_token is not one that this list gave");
  return Number(after) + 1;
}
