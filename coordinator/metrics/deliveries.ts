import { counter, type Family, gauge } from "../../shared/metrics/family.js";
import type { CoordinatorView } from "./view.js";

export function deliveryFamilies({ deliveries, engine }: CoordinatorView): Family[] {
  const { waiting, delivered, failures, givenUp } = deliveries;
  let missed = 0;
  for (const subscription of engine.state.subscriptions.values()) missed += subscription.missedEver;
  return [
    gauge("stoker_event_subscriptions", "Subscriptions to events", engine.state.subscriptions.size),
    gauge("stoker_event_deliveries_waiting", "Events on their way to who has subscribed to them", waiting),
    counter("stoker_event_deliveries_total", "Events that receivers have taken", delivered),
    counter("stoker_event_delivery_failures_total", "Tries to deliver events that failed", failures),
    counter(
      "stoker_event_deliveries_given_up_total",
      "Events that were given up, because no try went well for too long",
      givenUp,
    ),
    gauge("stoker_event_missed", "Events that present subscriptions have missed since they were made", missed),
  ];
}
