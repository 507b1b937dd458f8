import type { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findFileServer } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { fileServerView } from "../views/file-server.js";

export function getFileServer(ports: ApiPorts): Handlers<typeof FileServerService>["getFileServer"] {
  return (request) => {
    const state = ports.state();
    const row = findFileServer(state, request.id);
    return { fileServer: fileServerView(state, row) };
  };
}
