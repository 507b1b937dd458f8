import type { ExperimentId, JobId, SubscriptionId, WorkspaceId } from "../../../shared/ids.js";
import type { World } from "../memory.js";
import { idOfWorkspace } from "../names.js";
import type { Instant } from "../state.js";
import type { Announcement } from "./announcement.js";
import type { AnnouncementKind } from "./kinds.js";

/** Somebody's wish to be told. */
export interface Subscription {
  readonly uuid: SubscriptionId;
  /** Unique in the lab. */
  readonly name: string;
  readonly createdAt: Instant;
  /** Who made it; "" where that is not known. */
  readonly owner: string;
  /** Absent: of the whole lab. */
  readonly workspace?: WorkspaceId;
  readonly experiment?: ExperimentId;
  readonly job?: JobId;
  /** Only jobs that this user has submitted. */
  readonly submitter?: string;
  /** None: all kinds. */
  readonly kinds: readonly AnnouncementKind[];
  readonly target: Target;
  /** Given up or dropped since it last got one; told with the next. */
  readonly missed: number;
  readonly missedEver: number;
}

export type Target = WebhookTarget | MailTarget;

export interface WebhookTarget {
  readonly kind: "webhook";
  /** Absent where it is a secret's value. May hold a secret of its own: it is not shown past the host. */
  readonly url?: string;
  /** Key of the secret that holds the URL. */
  readonly urlSecret?: string;
  readonly format: WebhookFormat;
  /** Of format `template`. */
  readonly template?: string;
  /** Key of the secret that signs what is sent. */
  readonly secret?: string;
  /** May reach addresses of the coordinator's own machine and link. */
  readonly local: boolean;
}

export const webhookFormats = ["cloudevents", "json", "slack", "teams", "template"] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

export interface MailTarget {
  readonly kind: "mail";
  readonly addresses: readonly string[];
  /** `Subject: …`, an empty line, and the text. */
  readonly template?: string;
}

export const wants = (subscription: Subscription, { kind, scope }: Announcement): boolean =>
  (subscription.kinds.length === 0 || subscription.kinds.includes(kind)) &&
  (subscription.workspace === undefined || subscription.workspace === scope.workspace) &&
  (subscription.experiment === undefined || subscription.experiment === scope.experiment) &&
  (subscription.job === undefined || subscription.job === scope.job) &&
  (subscription.submitter === undefined || subscription.submitter === scope.submitter);

export function subscribersOf(world: World, announcement: Announcement): SubscriptionId[] {
  const found: SubscriptionId[] = [];
  for (const subscription of world.subscriptions.values()) {
    if (wants(subscription, announcement)) found.push(subscription.uuid);
  }
  return found;
}

/** `workspaces/w/subscriptions/s`, or `subscriptions/s` for one of the whole lab. */
export function idOfSubscription(world: World, { name, workspace }: Subscription): string {
  const home = workspace && world.workspaces.get(workspace);
  return `${home ? `${idOfWorkspace(home)}/` : ""}subscriptions/${name}`;
}
