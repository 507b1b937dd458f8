import {
  EventKindSchema,
  EventSchema,
  type EventSubscription,
  EventSubscriptionSchema,
} from "../../../shared/gen/stoker/v1/event_pb.js";
import { leafOf, workspaceOf } from "../../ids.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

export const event = view({
  schema: EventSchema,
  columns: [
    ["Time", ({ time }) => shortTime(time)],
    ["Kind", ({ kind }) => kind],
    ["Severity", ({ severity }) => severity],
    ["Workspace", ({ subject }) => workspaceOf(subject)],
    ["What", ({ message }) => message],
  ],
});

export const eventKind = view({
  schema: EventKindSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["Severity", ({ severity }) => severity],
    ["When", ({ description }) => description],
    ["Fields", ({ fields }) => fields.join(", ")],
  ],
});

export const eventSubscription = view({
  schema: EventSubscriptionSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["Of", scopeOf],
    ["Kinds", ({ kinds }) => (kinds.length === 0 ? "all" : kinds.join(", "))],
    ["To", receiverOf],
    ["Waiting", ({ pendingCount }) => String(pendingCount)],
    ["Missed", ({ missedCount }) => String(missedCount)],
    ["Last Error", ({ lastError }) => lastError],
  ],
  more: ({ creationTime, owner, deliveredCount, lastDeliveryTime, nextTryTime, target }) => [
    ["Created", `${shortTime(creationTime)}${owner === "" ? "" : ` by ${owner}`}`],
    ["Delivered", `${deliveredCount} since the coordinator started`],
    ["Last Delivery", shortTime(lastDeliveryTime)],
    ["Next Try", shortTime(nextTryTime)],
    ["Signed With", target.case === "webhook" ? target.value.secret : ""],
    ["Template", target.value?.template ?? ""],
  ],
});

function scopeOf({ workspaceId, experimentId, jobId, submitter }: EventSubscription): string {
  const inner = jobId === "" ? experimentId : jobId;
  const words = [workspaceOf(workspaceId), ...(inner === "" ? [] : [leafOf(experimentId)])];
  if (jobId !== "") words.push(leafOf(jobId));
  const place = workspaceId === "" ? "the lab" : words.join("/");
  return submitter === "" ? place : `jobs of ${submitter} in ${place}`;
}

function receiverOf({ target }: EventSubscription): string {
  if (target.case === "mail") return target.value.addresses.join(", ");
  return target.case === "webhook" ? `${target.value.url} (${target.value.format})` : "";
}
