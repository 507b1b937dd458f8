import { assert } from "../../shared/assert.js";
import type { Announcement, Outgoing } from "../core/announcements/announcement.js";
import type { MailTarget, Subscription } from "../core/announcements/subscription.js";
import type { Channel, ChannelPorts, ChannelStatus } from "./channel.js";
import { jittered } from "./lanes.js";
import { Undelivered } from "./undelivered.js";

/** Sends several as one mail; throws Undelivered. */
export type SendMail = (target: MailTarget, events: readonly Announcement[], missed: number) => Promise<string>;

/** What comes with the first is sent with it. */
const gatherMs = 2_000;
/** No mail within a minute after another: what came meanwhile shares the next. */
const digestMs = 60_000;
const perMail = 200;
const backOffFirstMs = 5_000;
const backOffMostMs = 600_000;

/** Mails to one subscriber: one for an event that comes alone, else one for many. */
export class MailChannel implements Channel {
  readonly status: ChannelStatus = { waiting: 0, delivered: 0, failures: 0 };
  private readonly waiting = new Set<number>();
  private timer: NodeJS.Timeout | undefined;
  private sending = false;
  private stopped = false;
  private tries = 0;
  private notBefore = 0;

  constructor(
    private readonly uuid: string,
    private readonly ports: ChannelPorts,
    private readonly send: SendMail,
    private readonly times = { gatherMs, digestMs, backOffFirstMs },
  ) {}

  add(event: Outgoing): void {
    this.waiting.add(event.number);
    this.rest();
  }

  has(number: number): boolean {
    return this.waiting.has(number);
  }

  async test(event: Announcement): Promise<string> {
    const subscription = this.ports.subscription();
    if (!subscription) throw new Undelivered("the subscription was deleted meanwhile");
    return this.send(targetOf(subscription), [event], 0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private rest(): void {
    this.status.waiting = this.waiting.size;
    if (this.stopped || this.sending || this.timer !== undefined || this.waiting.size === 0) return;
    const wait = Math.max(this.notBefore - this.ports.now(), this.times.gatherMs);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.deliver();
    }, wait);
    this.timer.unref();
  }

  private async deliver(): Promise<void> {
    const subscription = this.ports.subscription();
    const events: Outgoing[] = [];
    for (const number of [...this.waiting].sort((a, b) => a - b)) {
      const event = this.ports.event(number);
      if (event && subscription) events.push(event);
      else this.settle(number, "gone");
      if (events.length === perMail) break;
    }
    if (subscription && events.length > 0) {
      this.sending = true;
      await this.mail(subscription, events);
      this.sending = false;
    }
    this.rest();
  }

  private async mail(subscription: Subscription, events: readonly Outgoing[]): Promise<void> {
    try {
      await this.send(targetOf(subscription), events, subscription.missed);
    } catch (error) {
      if (!(error instanceof Undelivered)) throw error;
      this.failed(subscription, events, error);
      return;
    }
    this.tries = 0;
    this.notBefore = this.ports.now() + this.times.digestMs;
    this.status.delivered += events.length;
    this.status.lastDeliveryAt = this.ports.now();
    delete this.status.lastError;
    delete this.status.nextTryAt;
    for (const { number } of events) this.settle(number, "delivered");
  }

  private failed(subscription: Subscription, events: readonly Outgoing[], error: Undelivered): void {
    const now = this.ports.now();
    const facts = { subscription: subscription.name, events: events.length, reason: error.message };
    if (this.tries === 0) this.ports.warn(facts, "a mail could not be sent; it is tried again");
    this.tries += 1;
    this.status.failures += 1;
    this.status.lastError = error.message;
    const backOff = Math.min(this.times.backOffFirstMs * 2 ** (this.tries - 1), backOffMostMs);
    this.notBefore = now + jittered(backOff, `${this.uuid} ${this.tries}`);
    this.status.nextTryAt = this.notBefore;
    for (const { number, at, id } of events) {
      if (now - at < this.ports.giveUpMs) continue;
      this.ports.warn({ ...facts, event: id }, "an event was given up: no mail could be sent for too long");
      this.settle(number, "given-up");
    }
  }

  private settle(number: number, outcome: Parameters<ChannelPorts["settle"]>[1]): void {
    this.waiting.delete(number);
    this.ports.settle(number, outcome);
    this.status.waiting = this.waiting.size;
  }
}

function targetOf({ target }: Subscription): MailTarget {
  assert(target.kind === "mail", "a subscription never changes its kind");
  return target;
}
