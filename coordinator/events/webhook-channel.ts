import { assert } from "../../shared/assert.js";
import type { Announcement, Outgoing } from "../core/announcements/announcement.js";
import type { Subscription, WebhookTarget } from "../core/announcements/subscription.js";
import type { Channel, ChannelPorts, ChannelStatus } from "./channel.js";
import { Lanes } from "./lanes.js";
import { Undelivered } from "./undelivered.js";

/** Sends one event; throws Undelivered. */
export type SendEvent = (target: WebhookTarget, event: Announcement, missed: number) => Promise<string>;

/** Events one by one, in the order of their subjects. */
export class WebhookChannel implements Channel {
  readonly status: ChannelStatus = { waiting: 0, delivered: 0, failures: 0 };
  private readonly lanes: Lanes;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    uuid: string,
    private readonly ports: ChannelPorts,
    private readonly send: SendEvent,
  ) {
    this.lanes = new Lanes(uuid);
  }

  add(event: Outgoing): void {
    this.lanes.add(event.number, event.subject);
    this.status.waiting = this.lanes.size;
    this.wake(0);
  }

  has(number: number): boolean {
    return this.lanes.has(number);
  }

  async test(event: Announcement): Promise<string> {
    const subscription = this.ports.subscription();
    if (!subscription) throw new Undelivered("the subscription was deleted meanwhile");
    return this.send(targetOf(subscription), event, 0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private wake(inMs: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.pump(), inMs);
    this.timer.unref();
  }

  private pump(): void {
    for (;;) {
      const number = this.lanes.take(this.ports.now());
      if (number === undefined) break;
      void this.deliver(number);
    }
    this.rest();
  }

  private rest(): void {
    this.status.waiting = this.lanes.size;
    const next = this.lanes.nextAt();
    if (next === undefined) return;
    this.wake(Math.max(next - this.ports.now(), 0));
  }

  private async deliver(number: number): Promise<void> {
    const event = this.ports.event(number);
    const subscription = this.ports.subscription();
    if (!event || !subscription) {
      this.settle(number, "gone");
      return;
    }
    try {
      await this.send(targetOf(subscription), event, subscription.missed);
      this.status.delivered += 1;
      this.status.lastDeliveryAt = this.ports.now();
      delete this.status.lastError;
      delete this.status.nextTryAt;
      this.settle(number, "delivered");
    } catch (error) {
      if (!(error instanceof Undelivered)) throw error;
      this.failed(event, subscription, error);
    }
  }

  private failed(event: Outgoing, subscription: Subscription, error: Undelivered): void {
    const { number, id } = event;
    const now = this.ports.now();
    const facts = { subscription: subscription.name, event: id, reason: error.message };
    if (this.status.lastError === undefined)
      this.ports.warn(facts, "an event could not be delivered; it is tried again");
    this.status.failures += 1;
    this.status.lastError = error.message;
    if (now - event.at >= this.ports.giveUpMs) {
      this.ports.warn(facts, "an event was given up: its receiver could not be reached for too long");
      this.settle(number, "given-up");
      return;
    }
    this.status.nextTryAt = this.lanes.failed(number, now, error.retryAfterMs);
    this.rest();
  }

  private settle(number: number, outcome: Parameters<ChannelPorts["settle"]>[1]): void {
    this.lanes.settled(number, outcome === "delivered" ? "delivered" : "dropped");
    this.ports.settle(number, outcome);
    this.status.waiting = this.lanes.size;
    this.wake(0);
  }
}

function targetOf({ target }: Subscription): WebhookTarget {
  assert(target.kind === "webhook", "a subscription never changes its kind");
  return target;
}
