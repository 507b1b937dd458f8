import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type { SubscriptionId } from "../../shared/ids.js";
import type { Announcement, Outgoing } from "../core/announcements/announcement.js";
import type { Subscription } from "../core/announcements/subscription.js";
import type { DeliveredEvent } from "../core/events.js";
import type { State } from "../core/memory.js";
import type { Channel, ChannelPorts, ChannelStatus } from "./channel.js";
import { letterOf, type MailSettings, sendMail } from "./mail.js";
import { MailChannel } from "./mail-channel.js";
import { Undelivered } from "./undelivered.js";
import { sendWebhook, type WebhookSettings } from "./webhook.js";
import { WebhookChannel } from "./webhook-channel.js";

export interface DispatcherOptions {
  state(): State;
  now(): number;
  tell(event: DeliveredEvent): void;
  /** A secret's value; throws a Fault when it is gone. */
  open(key: string): string;
  webhooks: WebhookSettings;
  /** Absent: there is no mail server. */
  mail?: MailSettings;
  giveUpMs: number;
  /** Names this coordinator to receivers. */
  lab: string;
  log: Logger;
}

/** What the core has of deliveries and what is known here are compared so often: nothing depends on it but what a full disk kept from being told. */
const compareMs = 30_000;

/**
 * Delivers what somebody has subscribed to, at least once: an announcement stays on disk with the names of those who wait for it until each has
 * it. A receiver that gets one twice, as after a kill between its answer and our commit, sees the same id.
 */
export class Dispatcher {
  private readonly channels = new Map<SubscriptionId, Channel>();
  /** Told to the core, perhaps not taken in yet. */
  private readonly told = new Map<string, DeliveredEvent>();
  private timer: NodeJS.Timeout | undefined;
  private givenUp = 0;

  constructor(private readonly options: DispatcherOptions) {}

  start(): void {
    this.compare();
    this.timer = setInterval(() => this.compare(), compareMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const channel of this.channels.values()) channel.stop();
    this.channels.clear();
  }

  /** It is on disk, and somebody waits for it. */
  announced(number: number): void {
    const event = this.options.state().outgoing.get(number);
    if (event) this.take(event);
  }

  status(uuid: SubscriptionId): ChannelStatus | undefined {
    return this.channels.get(uuid)?.status;
  }

  /** Of all subscribers together. */
  get totals(): { waiting: number; delivered: number; failures: number; givenUp: number } {
    const totals = { waiting: 0, delivered: this.past.delivered, failures: this.past.failures, givenUp: this.givenUp };
    for (const { status } of this.channels.values()) {
      totals.waiting += status.waiting;
      totals.delivered += status.delivered;
      totals.failures += status.failures;
    }
    return totals;
  }

  /** Of subscriptions that are gone. */
  private readonly past = { delivered: 0, failures: 0 };

  /** Sends it now, past what waits, and gives what came of it. */
  async test(uuid: SubscriptionId, event: Announcement): Promise<{ delivered: boolean; result: string }> {
    const subscription = this.options.state().subscriptions.get(uuid);
    if (!subscription) throw new Fault("not-found", "the subscription was deleted meanwhile");
    try {
      return { delivered: true, result: await this.channelOf(subscription).test(event) };
    } catch (error) {
      if (!(error instanceof Undelivered)) throw error;
      return { delivered: false, result: error.message };
    }
  }

  private take(event: Outgoing): void {
    for (const uuid of event.pending) {
      const subscription = this.options.state().subscriptions.get(uuid);
      if (!subscription || this.told.has(keyOf(event.number, uuid))) continue;
      const channel = this.channelOf(subscription);
      if (!channel.has(event.number)) channel.add(event);
    }
  }

  private compare(): void {
    const { state, tell } = this.options;
    const { outgoing, subscriptions } = state();
    for (const event of outgoing.values()) if (event.pending.length > 0) this.take(event);
    for (const [key, event] of this.told) {
      if (outgoing.get(event.number)?.pending.includes(event.subscription)) tell(event);
      else this.told.delete(key);
    }
    for (const [uuid, channel] of this.channels) {
      if (subscriptions.has(uuid)) continue;
      channel.stop();
      this.past.delivered += channel.status.delivered;
      this.past.failures += channel.status.failures;
      this.channels.delete(uuid);
    }
  }

  private channelOf(subscription: Subscription): Channel {
    const known = this.channels.get(subscription.uuid);
    if (known) return known;
    const made = this.makeChannel(subscription);
    this.channels.set(subscription.uuid, made);
    return made;
  }

  private makeChannel({ uuid, target }: Subscription): Channel {
    const ports = this.portsOf(uuid);
    const { webhooks, lab, mail } = this.options;
    if (target.kind === "webhook") {
      const send = (to: typeof target, event: Announcement, missed: number) =>
        sendWebhook({ target: to, event, missed }, webhooks, lab, (key) => this.open(key));
      return new WebhookChannel(uuid, ports, send);
    }
    return new MailChannel(uuid, ports, (to, events, missed) => {
      if (!mail) throw new Undelivered("the coordinator has no mail server: give it --smtp-host");
      return sendMail(mail, to.addresses, letterOf(to, events, missed, lab));
    });
  }

  private portsOf(uuid: SubscriptionId): ChannelPorts {
    const { state, now, tell, giveUpMs, log } = this.options;
    return {
      now,
      giveUpMs,
      subscription: () => state().subscriptions.get(uuid),
      event: (number) => {
        const event = state().outgoing.get(number);
        return event?.pending.includes(uuid) ? event : undefined;
      },
      settle: (number, outcome) => {
        if (outcome === "gone") return;
        if (outcome === "given-up") this.givenUp += 1;
        const event: DeliveredEvent = { kind: "delivered", number, subscription: uuid, outcome };
        this.told.set(keyOf(number, uuid), event);
        tell(event);
      },
      warn: (facts, text) => log.warn(facts, text),
    };
  }

  private open(key: string): string {
    try {
      return this.options.open(key);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Undelivered(error.message, 0, { cause: error });
    }
  }
}

const keyOf = (number: number, uuid: SubscriptionId) => `${number} ${uuid}`;
