import { randomUUID } from "node:crypto";
import { Fault } from "../../../shared/fault.js";
import type { CreateEventSubscriptionRequest, EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { CallContext, Handlers } from "../../../shared/grpc.js";
import { subscriptionId } from "../../../shared/ids.js";
import { admitWord } from "../../core/admission/fields.js";
import { webhookFormats } from "../../core/announcements/subscription.js";
import type { SubscriptionCreate } from "../../core/events.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { subscriptionView } from "../views/event.js";

export function createEventSubscription(ports: ApiPorts): Handlers<typeof EventService>["createEventSubscription"] {
  return async (request, context) => {
    const { name, workspaceId, experimentId, jobId, kinds, mine } = request;
    const owner = context.caller.kind === "user" ? context.caller.name : "";
    const subject = await ports.ask(
      {
        kind: "subscription-create",
        uuid: subscriptionId(randomUUID()),
        name,
        owner,
        ...(mine ? { submitter: owner } : {}),
        ...(workspaceId === "" ? {} : { workspace: workspaceId }),
        ...(experimentId === "" ? {} : { experiment: experimentId }),
        ...(jobId === "" ? {} : { job: jobId }),
        kinds,
        target: targetOf(request, ports, context),
      },
      context,
    );
    return { subscription: subscriptionView(ports, made(ports.state().subscriptions, subject)) };
  };
}

function targetOf(
  { target }: CreateEventSubscriptionRequest,
  ports: ApiPorts,
  context: CallContext,
): SubscriptionCreate["target"] {
  switch (target.case) {
    case "webhook": {
      const { url, template, secret } = target.value;
      const plain = template === "" ? "" : "template";
      const format = admitWord("webhook.format", target.value.format || plain, webhookFormats);
      const local = ports.events.mayReachOwn(context);
      ports.events.admitUrl(url, local);
      return { kind: "webhook", url, format, template, secret, local };
    }
    case "mail":
      ports.events.admitMail();
      return { kind: "mail", addresses: target.value.addresses, template: target.value.template };
    case undefined:
      throw new Fault("invalid-argument", "target: has neither webhook nor mail; give one");
  }
}
