import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createEventSubscription } from "./create-event-subscription.js";
import { deleteEventSubscription } from "./delete-event-subscription.js";
import { getEventSubscription } from "./get-event-subscription.js";
import { listEventKinds } from "./list-event-kinds.js";
import { listEventSubscriptions } from "./list-event-subscriptions.js";
import { listEvents } from "./list-events.js";
import { testEventSubscription } from "./test-event-subscription.js";

export const eventHandlers = (ports: ApiPorts): Handlers<typeof EventService> => ({
  createEventSubscription: createEventSubscription(ports),
  getEventSubscription: getEventSubscription(ports),
  listEventSubscriptions: listEventSubscriptions(ports),
  deleteEventSubscription: deleteEventSubscription(ports),
  testEventSubscription: testEventSubscription(ports),
  listEvents: listEvents(ports),
  listEventKinds: listEventKinds(),
});
