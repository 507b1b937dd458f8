import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { hidden, sightOf } from "../sight.js";
import { storageMappingView } from "../views/resources.js";

export function listStorageMappings(ports: ApiPorts): Handlers<typeof StorageService>["listStorageMappings"] {
  return (request, context) => {
    const state = ports.state();
    const sight = sightOf(state, context);
    const all = [...state.storageMappings.values()].map((row) => ({ name: row.source, row }));
    const page = pageByName("storageMappings", all, request);
    return {
      mappings: page.items.map(({ row }) => {
        const view = storageMappingView(state, row);
        return sight.id(view.fileServerId ?? "") ? view : { ...view, fileServerId: hidden.fileServer };
      }),
      nextPageToken: page.nextPageToken,
    };
  };
}
