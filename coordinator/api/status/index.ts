import type { StatusService } from "../../../shared/gen/stoker/v1/status_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { getStatus } from "./get-status.js";

export const statusHandlers = (ports: ApiPorts): Handlers<typeof StatusService> => ({ getStatus: getStatus(ports) });
