import { randomUUID } from "node:crypto";
import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { Announcement } from "../../core/announcements/announcement.js";
import { findSubscription } from "../../core/api/subscriptions.js";
import type { ApiPorts } from "../ports.js";

export function testEventSubscription(ports: ApiPorts): Handlers<typeof EventService>["testEventSubscription"] {
  return ({ id, workspaceId }) => {
    const { uuid, name } = findSubscription(ports.state(), id, workspaceId);
    const event: Announcement = {
      id: `test.${randomUUID()}`,
      kind: "test",
      at: ports.now(),
      subject: "coordinator",
      message: `this is a test of subscription ${name}: nothing has happened`,
      scope: {},
      data: { job: "example", node: "example" },
    };
    return ports.events.test(uuid, event);
  };
}
