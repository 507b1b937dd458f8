import { randomUUID } from "node:crypto";
import {
  CreateExperimentRequestSchema,
  type ExperimentService,
} from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { experimentId } from "../../../shared/ids.js";
import { idempotencyOf, made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { experimentView } from "../views/resources.js";

export function createExperiment(ports: ApiPorts): Handlers<typeof ExperimentService>["createExperiment"] {
  return async (request, context) => {
    const subject = await ports.ask(
      {
        kind: "experiment-create",
        uuid: experimentId(randomUUID()),
        parent: request.parent,
        name: request.name,
        ...idempotencyOf(CreateExperimentRequestSchema, request),
      },
      context,
    );
    const state = ports.state();
    const row = made(state.experiments, subject);
    return { experiment: experimentView(state, row) };
  };
}
