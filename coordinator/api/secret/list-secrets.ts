import type { SecretService } from "../../../shared/gen/stoker/v1/secret_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { secretView } from "../views/secret.js";

export function listSecrets(ports: ApiPorts): Handlers<typeof SecretService>["listSecrets"] {
  return (request) => {
    const state = ports.state();
    const parent = findWorkspace(state, request.parent);
    const all = [...state.secrets.values()].filter((row) => row.workspace === parent.uuid);
    const page = pageByName("secrets", all, request, () => 500);
    return { secrets: page.items.map((row) => secretView(state, row)), nextPageToken: page.nextPageToken };
  };
}
