import type { Role } from "./user.js";

/**
 * What a call needs. `of`: the field of the request that names what it is about, an id; the role is needed in the workspace of that.
 * Paths go through messages by dots, and through a `oneof` by `message.value`.
 */
export type Need =
  /** Nobody need show who they are. */
  | { readonly needs: "anyone" }
  /** Any user; what is shown of workspaces is what the user may read. */
  | { readonly needs: "user" }
  | { readonly needs: "administrator" }
  /** An agent, for its own node. */
  | { readonly needs: "node" }
  | {
      readonly needs: Role;
      readonly of: string;
      /** The id is a node's: the workspace is that of the cluster which has it. */
      readonly through?: "cluster";
      /** What is needed when the field is empty, or the node free. */
      readonly else?: "user" | "administrator";
    }
  /** The field names a user: the caller, or the caller is administrator. Empty stands for the caller. */
  | { readonly needs: "own"; readonly of: string };

export type Rule = Need & {
  /** It changes something, and is told in the audit log as a change of this, with fields of the request in braces. */
  readonly changes?: string;
  /** Fields that the audit log tells: none that may hold a secret. */
  readonly shows?: readonly string[];
};
