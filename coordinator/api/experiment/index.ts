import type { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createExperiment } from "./create-experiment.js";
import { deleteExperiment } from "./delete-experiment.js";
import { getExperiment } from "./get-experiment.js";
import { listExperiments } from "./list-experiments.js";

export const experimentHandlers = (ports: ApiPorts): Handlers<typeof ExperimentService> => ({
  createExperiment: createExperiment(ports),
  getExperiment: getExperiment(ports),
  listExperiments: listExperiments(ports),
  deleteExperiment: deleteExperiment(ports),
});
