import type { Announcement, Outgoing } from "../core/announcements/announcement.js";
import type { Subscription } from "../core/announcements/subscription.js";

/** What a channel needs of the rest. */
export interface ChannelPorts {
  now(): number;
  /** Undefined when it is gone. */
  subscription(): Subscription | undefined;
  /** Undefined when it is gone, or has nothing to do with the subscription any more. */
  event(number: number): Outgoing | undefined;
  /** To be called once for each that was added. */
  settle(number: number, outcome: "delivered" | "given-up" | "gone"): void;
  /** After this age of an event nobody tries any more. */
  giveUpMs: number;
  /** A line for the log: something was given up, or is in trouble for the first time. */
  warn(facts: object, text: string): void;
}

/** The way to one subscriber. */
export interface Channel {
  add(event: Outgoing): void;
  has(number: number): boolean;
  /** Now, past whatever waits; throws Undelivered. */
  test(event: Announcement): Promise<string>;
  readonly status: ChannelStatus;
  stop(): void;
}

/** Since this coordinator started. */
export interface ChannelStatus {
  waiting: number;
  delivered: number;
  failures: number;
  lastDeliveryAt?: number;
  /** Absent when the latest try went well. */
  lastError?: string;
  nextTryAt?: number;
}
