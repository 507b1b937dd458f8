import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { deleteStorageMapping } from "./delete-storage-mapping.js";
import { listStorageMappings } from "./list-storage-mappings.js";
import { setStorageMapping } from "./set-storage-mapping.js";

export const storageHandlers = (ports: ApiPorts): Handlers<typeof StorageService> => ({
  setStorageMapping: setStorageMapping(ports),
  listStorageMappings: listStorageMappings(ports),
  deleteStorageMapping: deleteStorageMapping(ports),
});
