import type { StatusService } from "../../../shared/gen/stoker/v1/status_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { sightOf } from "../sight.js";
import { statusView } from "../views/status.js";

export function getStatus(ports: ApiPorts): Handlers<typeof StatusService>["getStatus"] {
  return async (_, context) => ({ status: statusView(ports, sightOf(ports.state(), context)) });
}
