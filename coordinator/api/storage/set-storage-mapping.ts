import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { storageMappingView } from "../views/resources.js";

export function setStorageMapping(ports: ApiPorts): Handlers<typeof StorageService>["setStorageMapping"] {
  return async ({ source, fileServerId, path }, context) => {
    const subject = await ports.ask({ kind: "storage-map", source, fileServer: fileServerId, path }, context);
    const state = ports.state();
    return { mapping: storageMappingView(state, made(state.storageMappings, subject)) };
  };
}
