import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { subscriptionView } from "../views/event.js";

export function listEventSubscriptions(ports: ApiPorts): Handlers<typeof EventService>["listEventSubscriptions"] {
  return (request) => {
    const state = ports.state();
    const workspace = request.workspaceId === "" ? undefined : findWorkspace(state, request.workspaceId).uuid;
    const all = [...state.subscriptions.values()].filter((row) => !workspace || row.workspace === workspace);
    const page = pageByName("subscriptions", all, request);
    return {
      subscriptions: page.items.map((row) => subscriptionView(ports, row)),
      nextPageToken: page.nextPageToken,
    };
  };
}
