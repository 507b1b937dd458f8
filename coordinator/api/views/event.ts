import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { EventSchema, EventSubscriptionSchema } from "../../../shared/gen/stoker/v1/event_pb.js";
import type { Announcement } from "../../core/announcements/announcement.js";
import { severityOf } from "../../core/announcements/kinds.js";
import { idOfSubscription, type Subscription } from "../../core/announcements/subscription.js";
import { idOfExperiment, idOfJob, idOfWorkspace } from "../../core/names.js";
import { describeKey } from "../../core/secrets/reference.js";
import type { ApiPorts } from "../ports.js";

export const eventView = (event: Announcement): MessageInitShape<typeof EventSchema> => ({
  id: event.id,
  kind: event.kind,
  severity: severityOf(event.kind),
  time: timestampFromMs(event.at),
  subject: event.subject,
  message: event.message,
  data: Object.fromEntries(Object.entries(event.data).map(([name, value]) => [name, String(value)])),
});

export function subscriptionView(ports: ApiPorts, row: Subscription): MessageInitShape<typeof EventSubscriptionSchema> {
  const state = ports.state();
  const workspace = row.workspace && state.workspaces.get(row.workspace);
  const experiment = row.experiment && state.experiments.get(row.experiment);
  const job = row.job && state.jobs.get(row.job);
  const status = ports.events.status(row.uuid);
  return {
    id: idOfSubscription(state, row),
    name: row.name,
    creationTime: timestampFromMs(row.createdAt),
    owner: row.owner,
    workspaceId: workspace ? idOfWorkspace(workspace) : "",
    experimentId: experiment ? idOfExperiment(state, experiment) : "",
    jobId: job ? idOfJob(state, job) : "",
    submitter: row.submitter ?? "",
    kinds: [...row.kinds],
    target: targetView(ports, row),
    missedCount: row.missedEver,
    pendingCount: status?.waiting ?? 0,
    deliveredCount: status?.delivered ?? 0,
    lastError: status?.lastError ?? "",
    ...(status?.lastDeliveryAt === undefined ? {} : { lastDeliveryTime: timestampFromMs(status.lastDeliveryAt) }),
    ...(status?.nextTryAt === undefined ? {} : { nextTryTime: timestampFromMs(status.nextTryAt) }),
  };
}

type TargetView = Exclude<MessageInitShape<typeof EventSubscriptionSchema>["target"], undefined>;

function targetView(ports: ApiPorts, { target }: Subscription): TargetView {
  if (target.kind === "mail") {
    return { case: "mail", value: { addresses: [...target.addresses], template: target.template ?? "" } };
  }
  const nameOf = (key: string | undefined) => {
    if (key === undefined) return "";
    const { workspace, name } = describeKey(ports.state(), key);
    return `stoker://${workspace}/${name}`;
  };
  const { url, urlSecret, format, template = "", secret } = target;
  const shown = url === undefined ? nameOf(urlSecret) : withoutPath(url);
  return { case: "webhook", value: { url: shown, format, template, secret: nameOf(secret) } };
}

/** What follows the host is a secret with many receivers, and so is a password in it. */
function withoutPath(text: string): string {
  if (!URL.canParse(text)) return "";
  const url = new URL(text);
  return `${url.origin}/${url.pathname.length > 1 || url.search !== "" ? "…" : ""}`;
}
