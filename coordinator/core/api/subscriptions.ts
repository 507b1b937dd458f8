import { Fault } from "../../../shared/fault.js";
import { admitName, admitUnique, refuse, shown } from "../admission/fields.js";
import { announce, missed } from "../announcements/announce.js";
import { announcementKinds, isAnnouncementKind } from "../announcements/kinds.js";
import type { Subscription, Target } from "../announcements/subscription.js";
import { admitTemplate } from "../announcements/template.js";
import type { Draft } from "../draft.js";
import type { AnnounceEvent, DeliveredEvent, SubscriptionCreate } from "../events.js";
import type { World } from "../memory.js";
import { findExperiment, findJob, findWorkspace, workspaceNameIn } from "../names.js";
import { secretKey } from "../secrets/secret.js";
import type { Workspace } from "../state.js";

/** The dispatcher looks at all of them for each event. */
const subscriptionsMax = 500;
const addressesMax = 20;

export function createSubscription(draft: Draft, event: SubscriptionCreate): string {
  const { world } = draft;
  admitName("name", event.name);
  if (subscriptionNamed(world, event.name)) {
    throw new Fault("already-exists", `subscription ${event.name} exists: delete it first, or give another name`);
  }
  if ([...world.subscriptions.keys()].length >= subscriptionsMax) {
    throw new Fault(
      "resource-exhausted",
      `there are ${subscriptionsMax} subscriptions, the most that there may be: delete some`,
    );
  }
  const workspace = event.workspace === undefined ? undefined : findWorkspace(world, event.workspace);
  for (const id of [event.job, event.experiment]) refuseElsewhere(workspace, id);
  const job = event.job === undefined ? undefined : findJob(world, event.job);
  const experiment = event.experiment === undefined ? undefined : findExperiment(world, event.experiment);
  const owning = experiment ?? (job && world.experiments.get(job.experiment));
  if (owning && owning.workspace !== workspace?.uuid) refuse("workspaceId", notThatOfIt);
  const uuid = workspace?.uuid;
  const home = uuid && world.workspaces.get(uuid);
  const row: Subscription = {
    uuid: event.uuid,
    name: event.name,
    createdAt: draft.now,
    owner: event.owner,
    ...(uuid ? { workspace: uuid } : {}),
    ...(owning ? { experiment: owning.uuid } : {}),
    ...(job ? { job: job.uuid } : {}),
    ...(event.submitter === undefined ? {} : { submitter: event.submitter }),
    kinds: event.kinds.map((word, at) => {
      if (isAnnouncementKind(word)) return word;
      return refuse(`kinds[${at}]`, `"${shown(word)}" is none of ${Object.keys(announcementKinds).join(", ")}`);
    }),
    target: admitTarget(world, home, event.target),
    missed: 0,
    missedEver: 0,
  };
  draft.put("subscription", row);
  return row.uuid;
}

const notThatOfIt = "is not that of the job or experiment that the subscription is limited to";

/** Before it is looked up: whether something is there is for those to know who may read that workspace. */
function refuseElsewhere(workspace: Workspace | undefined, id: string | undefined): void {
  const named = id === undefined ? undefined : workspaceNameIn(id);
  if (named !== undefined && named !== workspace?.name) refuse("workspaceId", notThatOfIt);
}

function admitTarget(world: World, workspace: Workspace | undefined, target: SubscriptionCreate["target"]): Target {
  if (target.kind === "mail") {
    const { addresses, template } = target;
    if (addresses.length === 0) refuse("mail.addresses", "is empty");
    if (addresses.length > addressesMax) refuse("mail.addresses", `has more than ${addressesMax}`);
    addresses.forEach((address, at) => {
      // No line breaks, lists or display names: what a header could be made of.
      if (address.length > 254 || !/^[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+$/.test(address))
        refuse(`mail.addresses[${at}]`, `"${shown(address)}" is not a mail address`);
    });
    admitUnique("mail.addresses", addresses, (address) => address.toLowerCase());
    if (template === "") return { kind: "mail", addresses };
    admitTemplate("mail.template", template);
    if (!/^Subject: .+\n\n/.test(template)) {
      refuse("mail.template", "must begin with a line `Subject: …` and an empty line; the text of the mail follows");
    }
    return { kind: "mail", addresses, template };
  }
  const { format, template, local } = target;
  if ((format === "template") !== (template !== "")) {
    refuse("webhook.template", template === "" ? "is required by format template" : `has no use with format ${format}`);
  }
  const secret = keyOf(world, workspace, "webhook.secret", target.secret);
  const common = {
    ...{ kind: "webhook" as const, format, local },
    ...(template === "" ? {} : { template: admitTemplate("webhook.template", template) }),
    ...(secret === undefined ? {} : { secret }),
  };
  if (/^https?:\/\//i.test(target.url)) return { ...common, url: target.url };
  const urlSecret = keyOf(world, workspace, "webhook.url", target.url);
  if (urlSecret === undefined) return refuse("webhook.url", "is required");
  return { ...common, urlSecret };
}

/** NAME of the subscription's workspace, or stoker://WORKSPACE/NAME. */
function keyOf(world: World, workspace: Workspace | undefined, path: string, given: string): string | undefined {
  if (given === "") return undefined;
  const own = /^stoker:\/\/([-\w]{1,64})\/([-\w]{1,127})$/i.exec(given);
  if (!own && !/^[-\w]{1,127}$/.test(given)) {
    refuse(
      path,
      `"${shown(given)}" is neither the name of a secret nor stoker://WORKSPACE/NAME${path.endsWith("url") ? " nor an http(s) URL" : ""}`,
    );
  }
  const name = own?.[2] ?? given;
  // Who may use the secrets of one workspace may know nothing of another's, nor whether it is there.
  if (own && workspace && own[1] !== workspace.name) {
    refuse(path, `the secret is of workspace ${own[1]}: a subscription of ${workspace.name} takes its own alone`);
  }
  const home = own ? findWorkspace(world, `workspaces/${own[1]}`) : workspace;
  if (!home)
    return refuse(path, `a subscription of the whole lab names a secret's workspace too: stoker://WORKSPACE/${name}`);
  const key = secretKey(home.uuid, name);
  if (!world.secrets.has(key)) {
    refuse(
      path,
      `there is no secret ${name} in workspace ${home.name}: \`stoker secret set -w ${home.name} ${name}\` sets it`,
    );
  }
  return key;
}

export function subscriptionNamed(world: World, name: string): Subscription | undefined {
  for (const subscription of world.subscriptions.values()) if (subscription.name === name) return subscription;
  return undefined;
}

/** `workspace`: the id of that which it is limited to, "" for one of the whole lab. In others it is not found. */
export function findSubscription(world: World, id: string, workspace: string): Subscription {
  const found = subscriptionNamed(world, id.replace(/^.*\//, ""));
  const home = workspace === "" ? undefined : findWorkspace(world, workspace).uuid;
  if (found && found.workspace === home) return found;
  const where = workspace === "" ? "of the whole lab; one of a workspace is named with that (-w)" : `of ${workspace}`;
  throw new Fault("not-found", `there is no subscription ${shown(id, 300)} ${where}`);
}

export function deleteSubscription(draft: Draft, id: string, workspace: string): string {
  const { uuid } = findSubscription(draft.world, id, workspace);
  draft.delete("subscription", uuid);
  return uuid;
}

/** The receiver has it, or it was given up. */
export function delivered(draft: Draft, { number, subscription: uuid, outcome }: DeliveredEvent): void {
  const before = draft.world.outgoing.get(number);
  if (!before?.pending.includes(uuid)) return;
  draft.put("outgoing", { ...before, pending: before.pending.filter((each) => each !== uuid) });
  if (outcome === "given-up") {
    missed(draft, uuid);
    return;
  }
  const subscription = draft.world.subscriptions.get(uuid);
  if (subscription && subscription.missed > 0) draft.put("subscription", { ...subscription, missed: 0 });
}

/** Of something that the core can't see. */
export function announceOutside(draft: Draft, { told: { key, what, message, data } }: AnnounceEvent): void {
  announce(draft, {
    id: `${what}.${key}`,
    kind: what,
    at: draft.now,
    subject: "coordinator",
    message,
    scope: {},
    data,
  });
}
