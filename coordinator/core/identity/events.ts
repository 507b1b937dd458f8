import type { Instant } from "../state.js";

/** Machines that become nodes, and nodes that are removed. */
export type IdentityEvent =
  | {
      readonly kind: "join-token-create";
      readonly uuid: string;
      /** The secret itself is never here. */
      readonly hash: string;
      readonly uses: number;
      readonly expiresAt: Instant;
      readonly replaces: boolean;
      readonly createdBy: string;
    }
  | { readonly kind: "join-token-revoke"; readonly uuid: string }
  | NodeJoin
  | { readonly kind: "node-remove"; readonly id: string; readonly by: string };

export interface NodeJoin {
  readonly kind: "node-join";
  readonly token: string;
  readonly hash: string;
  readonly name: string;
  readonly keyHash: string;
  readonly natsKey: string;
}
