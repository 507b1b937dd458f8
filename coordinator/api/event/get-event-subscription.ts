import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findSubscription } from "../../core/api/subscriptions.js";
import type { ApiPorts } from "../ports.js";
import { subscriptionView } from "../views/event.js";

export function getEventSubscription(ports: ApiPorts): Handlers<typeof EventService>["getEventSubscription"] {
  return ({ id, workspaceId }) => ({
    subscription: subscriptionView(ports, findSubscription(ports.state(), id, workspaceId)),
  });
}
