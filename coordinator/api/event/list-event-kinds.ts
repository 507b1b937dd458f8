import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { announcementKinds } from "../../core/announcements/kinds.js";
import { templateFields } from "../../core/announcements/template.js";

export function listEventKinds(): Handlers<typeof EventService>["listEventKinds"] {
  return () => ({
    kinds: Object.entries(announcementKinds).map(([name, { severity, description, fields }]) => ({
      ...{ name, severity, description, fields: [...fields] },
    })),
    templateFields: [...templateFields],
  });
}
