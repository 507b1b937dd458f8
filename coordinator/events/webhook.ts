import { createHmac } from "node:crypto";
import { version } from "../../shared/version.js";
import type { Announcement } from "../core/announcements/announcement.js";
import type { WebhookTarget } from "../core/announcements/subscription.js";
import { hostMatches } from "./addresses.js";
import { bodyOf } from "./body.js";
import { post } from "./post.js";
import { Undelivered } from "./undelivered.js";

export interface WebhookSettings {
  /** Hosts that may be reached, wherever they are; none: every host that is not this machine. */
  readonly hosts: readonly string[];
  readonly proxy?: URL;
  readonly ca?: string;
  readonly timeoutMs: number;
}

/** What goes with one event to one receiver. */
export interface Parcel {
  readonly target: WebhookTarget;
  readonly event: Announcement;
  readonly missed: number;
}

/** Resolves with what was answered when the receiver took it; else throws Undelivered. */
export async function sendWebhook(
  { target, event, missed }: Parcel,
  settings: WebhookSettings,
  lab: string,
  open: (key: string) => string,
): Promise<string> {
  const url = urlOf(target.url ?? open(target.urlSecret ?? ""));
  const named = hostMatches(settings.hosts, url.hostname);
  if (settings.hosts.length > 0 && !named) {
    throw new Undelivered(`${url.hostname} is none of the hosts that --webhook-hosts of the coordinator names`);
  }
  const { contentType, text } = bodyOf(target, event, lab, missed);
  const headers: Record<string, string> = {
    "content-type": contentType,
    "user-agent": `stoker/${version}`,
    "stoker-event-id": event.id,
    "stoker-event-kind": event.kind,
  };
  if (target.secret !== undefined) {
    headers["stoker-signature"] = signatureOf(open(target.secret), text, Math.floor(Date.now() / 1000));
  }
  const { proxy, ca, timeoutMs } = settings;
  const order = { url, body: text, headers, local: target.local || named, timeoutMs };
  let answer: Awaited<ReturnType<typeof post>>;
  try {
    answer = await post({ ...order, ...(proxy ? { proxy } : {}), ...(ca === undefined ? {} : { ca }) });
  } catch (error) {
    throw new Undelivered(reasonOf(error), 0, { cause: error });
  }
  const said = answer.text.replace(/\s+/g, " ").trim().slice(0, 200);
  const told = `${url.host} answered ${answer.status}${said === "" ? "" : `: ${said}`}`;
  if (answer.status < 200 || answer.status > 299) throw new Undelivered(told, answer.retryAfterMs);
  return told;
}

/** `t=<seconds>,v1=<hex of HMAC-SHA-256 over "<seconds>.<body>">` */
export function signatureOf(secret: string, body: string, seconds: number): string {
  const mac = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}

function urlOf(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  // What it is may be a secret.
  throw new Undelivered("its address is no http(s) URL");
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  return error instanceof Error ? error.message : String(error);
}
