import type { ExperimentId, JobId, SubscriptionId, WorkspaceId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";
import type { AnnouncementKind } from "./kinds.js";

/** Something that has happened and that people may want to be told of: users call it an event. */
export interface Announcement {
  /** The same whenever the same happening is told: who looks at it takes none twice. */
  readonly id: string;
  readonly kind: AnnouncementKind;
  readonly at: Instant;
  /** Such as `workspaces/w/experiments/e/jobs/j` or `nodes/n`; "coordinator" for itself. */
  readonly subject: string;
  /** One sentence. */
  readonly message: string;
  /** Whom it concerns; absent for what concerns the lab as a whole. */
  readonly scope: Scope;
  readonly data: AnnouncementData;
}

export interface Scope {
  readonly workspace?: WorkspaceId;
  readonly experiment?: ExperimentId;
  readonly job?: JobId;
  /** Who submitted that job; absent where that is not known. */
  readonly submitter?: string;
}

export type AnnouncementData = Readonly<Record<string, string | number>>;

/** One that somebody has subscribed to: on disk with what it tells of, and kept there for a while after it was delivered. */
export interface Outgoing extends Announcement {
  /** Without gaps. */
  readonly number: number;
  /** Those who have not got it yet. */
  readonly pending: readonly SubscriptionId[];
}
