import type { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { experimentView } from "../views/resources.js";

export function listExperiments(ports: ApiPorts): Handlers<typeof ExperimentService>["listExperiments"] {
  return (request) => {
    const state = ports.state();
    const parent = findWorkspace(state, request.parent);
    const all = [...state.experiments.values()].filter((row) => row.workspace === parent.uuid);
    const page = pageByName("experiments", all, request);
    return { experiments: page.items.map((row) => experimentView(state, row)), nextPageToken: page.nextPageToken };
  };
}
