import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteStorageMapping(ports: ApiPorts): Handlers<typeof StorageService>["deleteStorageMapping"] {
  return async ({ source }, context) => {
    await ports.ask({ kind: "storage-unmap", source }, context);
    return {};
  };
}
