import type { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteFileServer(ports: ApiPorts): Handlers<typeof FileServerService>["deleteFileServer"] {
  return async (request, context) => {
    await ports.ask({ kind: "file-server-delete", id: request.id }, context);
    return {};
  };
}
