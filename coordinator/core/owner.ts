import type { OwnerTerms as Told } from "../../shared/gen/stoker/v1/node_pb.js";
import { bootstrapName } from "./access/user.js";
import { cut } from "./cut.js";
import type { Draft } from "./draft.js";
import type { Instant, Job, Node } from "./state.js";
import { vacate } from "./vacate.js";

/** What a machine's owner lets us do there, as its agent says. Heard, never stored: the agent says it again, and keeps to it by itself. */
export interface OwnerTerms {
  /** Why nothing may run there now; empty: it may. */
  readonly closed: string;
  readonly closedUntil?: Instant;
  readonly wantedBack: boolean;
  readonly usersAllowed: readonly string[];
  readonly usersDenied: readonly string[];
  readonly containersOnly: boolean;
  /** Whose jobs the machine has refused for want of an account, and would still; "" is the coordinator's own token's. */
  readonly withoutAccount: ReadonlyArray<{ readonly user: string; readonly reason: string }>;
}

const usersMax = 1000;
/** Between the owner's wish and the end of what does not stop by itself: they are promised the machine within half a minute. */
const graceSeconds = 10;

/** Undefined of an agent that knows of none, and of an owner who has nothing against anything. */
export function narrowOwnerTerms(told: Told | undefined): OwnerTerms | undefined {
  if (!told) return undefined;
  const { closed, wantedBack, containersOnly } = told;
  const [usersAllowed, usersDenied] = [users(told.usersAllowed), users(told.usersDenied)];
  const withoutAccount = told.withoutAccount
    .slice(0, usersMax)
    .map(({ user, reason }) => ({ user: cut(user, 200), reason: cut(reason, 600) }));
  const isOpen = closed === "" && !wantedBack && !containersOnly;
  if (isOpen && usersAllowed.length + usersDenied.length + withoutAccount.length === 0) return undefined;
  const until = Number(told.closedUntil?.seconds ?? 0n) * 1000;
  return {
    ...{ closed: cut(closed, 500), wantedBack, usersAllowed, usersDenied, containersOnly, withoutAccount },
    ...(until > 0 && until < 253_402_300_800_000 ? { closedUntil: until } : {}),
  };
}

const users = (names: readonly string[]) => names.slice(0, usersMax).map((name) => cut(name, 200));

/** The user whose job it is, as nodes are told; "" is nobody: of the coordinator's own token. */
export const submitterOf = ({ submittedBy = "" }: Pick<Job, "submittedBy">) =>
  submittedBy === bootstrapName ? "" : submittedBy;

/** Why the job may not run there; agent/core/policy/policy.ts decides alike, whatever we think. */
export function refusedByOwner(terms: OwnerTerms | undefined, job: Job): string | undefined {
  if (!terms) return undefined;
  if (terms.closed !== "") return `is closed: ${terms.closed}`;
  const user = submitterOf(job);
  const named = (list: readonly string[]) => list.includes("*") || (user !== "" && list.includes(user));
  const who = user === "" ? "jobs of the coordinator's own token" : `jobs of ${user}`;
  if (named(terms.usersDenied) || (terms.usersAllowed.length > 0 && !named(terms.usersAllowed)))
    return `is closed to ${who} by its owner`;
  return terms.containersOnly && !job.spec.containerSettings
    ? "runs jobs in containers only, as its owner wants: give the job containerSettings"
    : undefined;
}

/** Why the job's submitter has no account there, as far as the machine has found out. */
export const withoutAccountThere = (terms: OwnerTerms | undefined, job: Pick<Job, "submittedBy">): string | undefined =>
  terms?.withoutAccount.find(({ user }) => user === submitterOf(job))?.reason;

/** What runs there goes elsewhere: nobody's fault, and no retry used up. */
export function giveBack(draft: Draft, node: Node, terms: OwnerTerms | undefined): void {
  if (!terms?.wantedBack) return;
  vacate(draft, node, "requeue", `node ${node.name} is closed: ${terms.closed}`, { graceSeconds });
}
