import fc from "fast-check";
import type { Event } from "../../../coordinator/core/events.js";
import { subscriptionId } from "../../../shared/ids.js";
import { text } from "./text.js";

/** Wishes to be told of events, most of them odd. */
export const subscriptionEvents = (
  id: fc.Arbitrary<string>,
  name: fc.Arbitrary<string>,
): [fc.Arbitrary<Event>, fc.Arbitrary<Event>] => [
  fc.record(
    {
      kind: fc.constant("subscription-create" as const),
      uuid: fc.uuid().map(subscriptionId),
      name,
      owner: text(),
      workspace: id,
      experiment: id,
      job: id,
      submitter: text(),
      kinds: fc.array(fc.oneof(fc.constantFrom("job-failed", "constructor"), text()), { maxLength: 3 }),
      target: fc.oneof(
        fc.record({
          kind: fc.constant("webhook" as const),
          url: fc.oneof(fc.constantFrom("http://h/", "stoker://w/s", "s"), text()),
          format: fc.constantFrom("cloudevents" as const, "template" as const),
          template: fc.oneof(fc.constant("${kind}"), text()),
          secret: fc.oneof(fc.constantFrom("", "s", "stoker://w/s"), text()),
          local: fc.boolean(),
        }),
        fc.record({
          kind: fc.constant("mail" as const),
          addresses: fc.array(fc.oneof(fc.constant("a@b"), text()), { maxLength: 3 }),
          template: fc.oneof(fc.constant(""), text()),
        }),
      ),
    },
    { requiredKeys: ["kind", "uuid", "name", "owner", "kinds", "target"] },
  ),
  fc.record({ kind: fc.constant("subscription-delete" as const), id: name, workspace: fc.oneof(fc.constant(""), id) }),
];
