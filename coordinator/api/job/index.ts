import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { OpenStreams } from "../open-streams.js";
import type { ApiPorts } from "../ports.js";
import { createJob } from "./create-job.js";
import { createJobs } from "./create-jobs.js";
import { deleteJob } from "./delete-job.js";
import { explainJob } from "./explain-job.js";
import { getJob } from "./get-job.js";
import { getJobUsage } from "./get-job-usage.js";
import { listJobFiles } from "./list-job-files.js";
import { listJobs } from "./list-jobs.js";
import { readJobFile } from "./read-job-file.js";
import { streamLogs } from "./stream-logs.js";
import { terminateJob } from "./terminate-job.js";
import { watchJob } from "./watch-job.js";

export const jobHandlers = (ports: ApiPorts, open = new OpenStreams()): Handlers<typeof JobService> => ({
  createJob: createJob(ports),
  createJobs: createJobs(ports),
  getJob: getJob(ports),
  getJobUsage: getJobUsage(ports),
  listJobs: listJobs(ports),
  deleteJob: deleteJob(ports),
  terminateJob: terminateJob(ports),
  watchJob: watchJob(ports, open),
  streamLogs: streamLogs(ports, open),
  explainJob: explainJob(ports),
  listJobFiles: listJobFiles(ports),
  readJobFile: readJobFile(ports, open),
});
