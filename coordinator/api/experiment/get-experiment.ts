import type { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findExperiment } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { experimentView } from "../views/resources.js";

export function getExperiment(ports: ApiPorts): Handlers<typeof ExperimentService>["getExperiment"] {
  return (request) => {
    const state = ports.state();
    const row = findExperiment(state, request.id);
    return { experiment: experimentView(state, row) };
  };
}
