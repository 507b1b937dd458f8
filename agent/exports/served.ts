/** One export as a server serves it. */
export interface Served {
  /** Of its own on this machine for as long as it exists: part of what clients remember. */
  number: number;
  /** The file server's UUID. */
  id: string;
  directory: string;
  /** The path that clients mount, where the server can choose it. */
  mountPoint: string;
  /** Addresses and networks; empty: all. */
  clients: readonly string[];
}

/** The machine's NFS server. */
export interface NfsServer {
  readonly name: "kernel" | "ganesha";
  readonly port: number;
  /** What clients mount. */
  mountPointOf(served: Served): string;
  /**
   * Serves these and, of what it was told before, nothing else. Resolves when they are served, but for those whose ids it gives, each with the
   * reason; rejects when none is. Called again and again with the same: then it sees to it that all is as it should be.
   */
  serve(exports: readonly Served[]): Promise<ReadonlyMap<string, string>>;
}
