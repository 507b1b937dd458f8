/** Ids are branded strings, so that one kind is never passed for another. Each is made only here or by a reader of stored rows. */
declare const brand: unique symbol;
type Id<Kind extends string> = string & { readonly [brand]: Kind };

/** UUID of a workspace. Names are unique only among those that live. */
export type WorkspaceId = Id<"workspace">;
export type ClusterId = Id<"cluster">;
export type FileServerId = Id<"file-server">;
export type ExperimentId = Id<"experiment">;
/** UUID of a job; output paths carry it. */
export type JobId = Id<"job">;
export type NodeId = Id<"node">;
export type UserId = Id<"user">;
/** UUID of an API token; not what is shown. */
export type TokenId = Id<"token">;
/** Of somebody's wish to be told of events. */
export type SubscriptionId = Id<"subscription">;
/** `<job uuid>.<attempt>`: the same on every node of the gang. */
export type LeaseId = Id<"lease">;

export const workspaceId = (uuid: string) => uuid as WorkspaceId;
export const clusterId = (uuid: string) => uuid as ClusterId;
export const fileServerId = (uuid: string) => uuid as FileServerId;
export const experimentId = (uuid: string) => uuid as ExperimentId;
export const jobId = (uuid: string) => uuid as JobId;
export const nodeId = (uuid: string) => uuid as NodeId;
export const userId = (uuid: string) => uuid as UserId;
export const tokenId = (uuid: string) => uuid as TokenId;
export const subscriptionId = (uuid: string) => uuid as SubscriptionId;

export const leaseId = (job: JobId, attempt: number) => `${job}.${attempt}` as LeaseId;

/** The parts of a lease id, or undefined when the text is not one. */
export function parseLeaseId(text: string): { lease: LeaseId; job: JobId; attempt: number } | undefined {
  const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9][0-9]{0,8})$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  return { lease: text as LeaseId, job: jobId(match[1]), attempt: Number(match[2]) };
}
