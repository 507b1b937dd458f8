import type { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createFileServer } from "./create-file-server.js";
import { deleteFileServer } from "./delete-file-server.js";
import { getFileServer } from "./get-file-server.js";
import { listFileServers } from "./list-file-servers.js";

export const fileServerHandlers = (ports: ApiPorts): Handlers<typeof FileServerService> => ({
  createFileServer: createFileServer(ports),
  getFileServer: getFileServer(ports),
  listFileServers: listFileServers(ports),
  deleteFileServer: deleteFileServer(ports),
});
