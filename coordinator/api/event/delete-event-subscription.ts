import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteEventSubscription(ports: ApiPorts): Handlers<typeof EventService>["deleteEventSubscription"] {
  return async ({ id, workspaceId: workspace }, context) => {
    await ports.ask({ kind: "subscription-delete", id, workspace }, context);
    return {};
  };
}
