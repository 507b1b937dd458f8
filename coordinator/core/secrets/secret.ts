import type { WorkspaceId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";

/** A value that jobs and clusters use by name. It is sealed before it comes here, and opened when it is on its way to an agent. */
export interface Secret {
  readonly workspace: WorkspaceId;
  readonly name: string;
  /** Can be opened only as this secret's: see contextOf. */
  readonly sealed: string;
  readonly createdAt: Instant;
  readonly changedAt: Instant;
}

export const secretKey = (workspace: WorkspaceId, name: string) => `${workspace} ${name}`;
