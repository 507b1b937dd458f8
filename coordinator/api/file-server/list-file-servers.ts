import type { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { fileServerView } from "../views/file-server.js";

export function listFileServers(ports: ApiPorts): Handlers<typeof FileServerService>["listFileServers"] {
  return (request) => {
    const state = ports.state();
    const parent = findWorkspace(state, request.parent);
    const all = [...state.fileServers.values()].filter((row) => row.workspace === parent.uuid);
    const page = pageByName("fileServers", all, request);
    return { fileServers: page.items.map((row) => fileServerView(state, row)), nextPageToken: page.nextPageToken };
  };
}
