import type { NodeId } from "../../../shared/ids.js";
import type { Instant, ResourceFault } from "../state.js";

/**
 * A file server that one of our machines serves.
 *
 *   (create) ─▶ creating ─(served)─▶ succeeded ─(delete)─▶ deleting ─(its agent serves it no longer, or is away)─▶ gone
 *                  │  ▲                │   ▲                  ▲
 *                  ▼  └──(as its agent says)──┘               │
 *                failed ──────────────────────(delete)────────┘
 *
 * What its agent says is believed, and the whole list of what it is to serve is said to it again at each hello: an agent that was away when a
 * server was deleted learns it then. Files are never removed.
 */
export interface Managed {
  readonly node: NodeId;
  readonly state: "creating" | "succeeded" | "failed" | "deleting";
  readonly since: Instant;
  /** On the machine: a directory, or whole disks. Once it is served, the directory where their file system is. */
  readonly directory: string;
  readonly disks: readonly string[];
  /** What it is to be mounted as, where the machine's server can choose; once it is served, what it is. */
  readonly mountPoint: string;
  /** Of the server; absent until it is served. */
  readonly port?: number;
  readonly clients: readonly string[];
  /** What its agent can't do. */
  readonly fault?: ResourceFault;
}

/** What a machine can do as a file server. */
export interface FileServing {
  readonly server: string;
  /** Offered by its owner to servers that name no machine; "" when none is. */
  readonly folder: string;
  readonly freeBytes: number;
  /** Its owner lets nobody serve files from it. */
  readonly refused: boolean;
}
