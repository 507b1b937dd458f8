import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { storageMappingView } from "../views/resources.js";

export function listStorageMappings(ports: ApiPorts): Handlers<typeof StorageService>["listStorageMappings"] {
  return (request) => {
    const state = ports.state();
    const all = [...state.storageMappings.values()].map((row) => ({ name: row.source, row }));
    const page = pageByName("storageMappings", all, request);
    return {
      mappings: page.items.map(({ row }) => storageMappingView(state, row)),
      nextPageToken: page.nextPageToken,
    };
  };
}
