/** How grave: `error` wants somebody soon, `warning` wants somebody, `info` is for whoever is curious. */
export type Severity = "info" | "warning" | "error";

export interface KindFacts {
  readonly severity: Severity;
  readonly description: string;
  /** What `data` may hold beside what every event of its subject has. */
  readonly fields: readonly string[];
}

const facts = <K extends string>(kinds: Record<K, KindFacts>) => kinds;

/** Every kind of event that one can subscribe to. A name is never changed once it was released. */
export const announcementKinds = facts({
  "job-queued": { severity: "info", description: "a job was submitted", fields: [] },
  "job-started": {
    severity: "info",
    description: "an attempt runs on all of its nodes",
    fields: ["nodes", "waitedSeconds"],
  },
  "job-succeeded": {
    severity: "info",
    description: "a job has succeeded",
    fields: ["nodes", "exitCode", "ranSeconds"],
  },
  "job-failed": {
    severity: "error",
    description: "a job has failed for good",
    fields: ["nodes", "exitCode", "ranSeconds", "reason", "code"],
  },
  "job-terminated": {
    severity: "warning",
    description: "a job was ended by its user, an operator or its time limit",
    fields: ["nodes", "ranSeconds", "reason", "code"],
  },
  "job-requeued": {
    severity: "warning",
    description: "an attempt ended before its job did, which is queued again",
    fields: ["nodes", "reason", "endedAs"],
  },
  "job-waiting": {
    severity: "warning",
    description: "a job has been queued for longer than --waiting-long",
    fields: ["reason", "waitedSeconds"],
  },
  "job-hang": { severity: "warning", description: "a gang makes no progress", fields: ["reason", "node", "gpu"] },
  "job-straggler": {
    severity: "warning",
    description: "one GPU of a gang holds up the others",
    fields: ["reason", "node", "gpu"],
  },
  "job-idle-gpus": {
    severity: "warning",
    description: "a job holds GPUs that it does not use",
    fields: ["reason", "node", "gpu"],
  },
  "node-joined": { severity: "info", description: "a machine was enrolled", fields: [] },
  "node-lost": { severity: "error", description: "a node has fallen silent and its jobs go on without it", fields: [] },
  "node-returned": { severity: "info", description: "a lost node is back", fields: [] },
  "node-unusable": { severity: "error", description: "a node can't take work", fields: ["reason"] },
  "node-usable": { severity: "info", description: "a node that could not take work can again", fields: [] },
  "node-drained": { severity: "info", description: "a node gets no new work", fields: ["reason"] },
  "node-reclaimed": { severity: "info", description: "a node's owner has taken it back", fields: ["reason"] },
  "node-resumed": { severity: "info", description: "a drained or reclaimed node takes work again", fields: [] },
  "node-removed": { severity: "info", description: "a node was deleted", fields: [] },
  "gpu-suspect": {
    severity: "warning",
    description: "a GPU is used last, because of a fault",
    fields: ["gpu", "rule", "reason"],
  },
  "gpu-failed": {
    severity: "error",
    description: "a GPU is out of service",
    fields: ["gpu", "rule", "reason", "state"],
  },
  "gpu-returned": { severity: "info", description: "a GPU is healthy again", fields: ["gpu", "rule"] },
  "cluster-created": { severity: "info", description: "a cluster was made", fields: ["minimum", "maximum"] },
  "cluster-resized": {
    severity: "info",
    description: "a cluster asks for another number of nodes",
    fields: ["minimum", "maximum"],
  },
  "cluster-short": {
    severity: "warning",
    description: "a cluster has had fewer nodes than it asks for, for longer than --waiting-long",
    fields: ["missing", "reason"],
  },
  "cluster-deleted": { severity: "info", description: "a cluster is gone", fields: [] },
  "disk-low": {
    severity: "error",
    description: "the coordinator's disk is nearly full: it takes nothing new on",
    fields: ["reason"],
  },
  "certificate-expiring": {
    severity: "error",
    description: "a certificate that is not renewed by itself runs out soon",
    fields: ["reason"],
  },
  test: { severity: "info", description: "sent by `stoker event test`", fields: [] },
});

export type AnnouncementKind = keyof typeof announcementKinds;

export const isAnnouncementKind = (word: string): word is AnnouncementKind => Object.hasOwn(announcementKinds, word);

export const severityOf = (kind: AnnouncementKind): Severity => announcementKinds[kind].severity;
