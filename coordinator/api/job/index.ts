import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createJob } from "./create-job.js";
import { deleteJob } from "./delete-job.js";
import { explainJob } from "./explain-job.js";
import { getJob } from "./get-job.js";
import { listJobs } from "./list-jobs.js";
import { streamLogs } from "./stream-logs.js";
import { terminateJob } from "./terminate-job.js";
import { watchJob } from "./watch-job.js";

export const jobHandlers = (ports: ApiPorts): Handlers<typeof JobService> => ({
  createJob: createJob(ports),
  getJob: getJob(ports),
  listJobs: listJobs(ports),
  deleteJob: deleteJob(ports),
  terminateJob: terminateJob(ports),
  watchJob: watchJob(ports),
  streamLogs: streamLogs(ports),
  explainJob: explainJob(ports),
});
