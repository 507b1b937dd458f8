import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { knownSince } from "../../core/announcements/announce.js";
import { announcementKinds } from "../../core/announcements/kinds.js";
import { findWorkspace } from "../../core/names.js";
import { fitting, pageSizeOf, startOf, tokenAfter, weightOf } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { eventView } from "../views/event.js";

export function listEvents(ports: ApiPorts): Handlers<typeof EventService>["listEvents"] {
  return (request) => {
    const state = ports.state();
    const workspace = request.workspaceId === "" ? undefined : findWorkspace(state, request.workspaceId).uuid;
    for (const kind of request.kinds) {
      if (Object.hasOwn(announcementKinds, kind)) continue;
      const known = Object.keys(announcementKinds).join(", ");
      throw new Fault("invalid-argument", `kinds: "${kind.slice(0, 80)}" is none of ${known}`);
    }
    const wanted = knownSince(state, request.since ? timestampMs(request.since) : 0).filter(
      ({ kind, scope }) =>
        (!workspace || scope.workspace === workspace) && (request.kinds.length === 0 || request.kinds.includes(kind)),
    );
    const after = startOf("events", request);
    // One that was dropped meanwhile: what came after it goes on by its time.
    const [at = "0", id = ""] = after?.split(" ") ?? [];
    const rest = wanted.filter((event) => event.at > Number(at) || (event.at === Number(at) && event.id > id));
    const page = fitting(rest.slice(0, pageSizeOf(request)), weightOf);
    const last = page.at(-1);
    return {
      events: page.map(eventView),
      nextPageToken: rest.length > page.length && last ? tokenAfter("events", `${last.at} ${last.id}`) : "",
    };
  };
}
