import { Fault } from "../../../shared/fault.js";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findExperiment } from "../../core/names.js";
import type { Job } from "../../core/state.js";
import { type PageRequest, pageSizeOf, pageWeightMax, startOf, tokenAfter, weightOf } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";

/** In the order of submission. */
export function listJobs(ports: ApiPorts): Handlers<typeof JobService>["listJobs"] {
  return (request) => {
    const state = ports.state();
    const experiment = findExperiment(state, request.parent);
    const size = pageSizeOf(request);
    const jobs: Array<ReturnType<typeof jobView>> = [];
    let last: Job | undefined;
    let weight = 0;
    for (const uuid of state.index.jobsOfExperiment.get(experiment.uuid)?.values(firstOf(request)) ?? []) {
      const row = state.jobs.get(uuid);
      if (!row) continue;
      const view = jobView(state, row);
      weight += weightOf(view);
      if (last && (jobs.length === size || weight > pageWeightMax)) {
        return { jobs, nextPageToken: tokenAfter("jobs", String(last.sequence)) };
      }
      jobs.push(view);
      last = row;
    }
    return { jobs, nextPageToken: "" };
  };
}

function firstOf(request: PageRequest): number {
  const after = startOf("jobs", request) ?? "0";
  if (!/^\d{1,15}$/.test(after)) throw new Fault("invalid-argument", "page_token is not one that this list gave");
  return Number(after) + 1;
}
