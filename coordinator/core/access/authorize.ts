import { Fault } from "../../../shared/fault.js";
import { shown } from "../admission/fields.js";
import type { World } from "../memory.js";
import { nodeNamed, workspaceNameIn } from "../names.js";
import type { Workspace } from "../state.js";
import { isAdministrator, reaches, roleIn, type UserCaller } from "./caller.js";
import { fieldAt } from "./request-field.js";
import type { Need } from "./rule.js";
import type { Role } from "./user.js";

/** Before the call's message is read: refuses who may make no such call, whatever it is about. */
export function admitCaller(world: World, caller: UserCaller, need: Need): void {
  if (need.needs === "administrator" && !isAdministrator(world, caller)) throw needsAdministrator(caller);
  if (need.needs === "node") throw new Fault("permission-denied", "only the agents of nodes make this call");
}

/**
 * Refuses who may not do that with what the request is about. What the caller may not read is not found, in the same words as what is not there;
 * what the caller may read but not change is denied.
 */
export function authorize(world: World, caller: UserCaller, need: Need, request: unknown): void {
  admitCaller(world, caller, need);
  if (!("of" in need) || isAdministrator(world, caller)) return;
  const id = String(fieldAt(request, need.of) ?? "");
  if (need.needs === "own") {
    if (id !== "" && id.replace(/^users\//, "") !== caller.name) throw needsAdministrator(caller);
    return;
  }
  const workspace = workspaceOf(world, need, id);
  if (workspace !== undefined) requireRole(world, caller, workspace.found, need.needs, id);
  else if (need.else !== "user") throw needsAdministrator(caller);
}

/** Undefined when the call is about no workspace's thing. */
function workspaceOf(
  world: World,
  need: Extract<Need, { of: string; needs: Role }>,
  id: string,
): { found: Workspace | undefined } | undefined {
  if (need.through === "cluster") {
    const cluster = nodeNamed(world, id.replace(/^nodes\//, ""))?.cluster;
    const workspace = cluster && world.clusters.get(cluster)?.workspace;
    return workspace && { found: world.workspaces.get(workspace) };
  }
  if (id === "" && need.else !== undefined) return undefined;
  const name = workspaceNameIn(id);
  if (name === undefined) {
    throw new Fault(
      "invalid-argument",
      `${lastWord(need.of)}: "${shown(id, 300)}" is not of the form workspaces/NAME…`,
    );
  }
  const uuid = world.index.workspaceByName.get(name);
  return { found: uuid && world.workspaces.get(uuid) };
}

export function requireRole(
  world: World,
  caller: UserCaller | undefined,
  workspace: Workspace | undefined,
  needed: Role,
  id: string,
): void {
  const role = caller && workspace && roleIn(world, caller, workspace);
  if (!caller || !workspace || role === undefined) {
    throw new Fault(
      "not-found",
      `${shown(id, 300)} is not found, or you have no role in its workspace: one of its owners can give you one`,
    );
  }
  if (reaches(role, needed)) return;
  throw new Fault(
    "permission-denied",
    `${caller.name} is ${role} in workspace ${workspace.name}, and this needs the role ${needed}: ask one of its owners`,
  );
}

const needsAdministrator = ({ name }: UserCaller) =>
  new Fault("permission-denied", `only administrators of the lab may do this, and ${name} is none`);

const lastWord = (path: string) => path.slice(path.lastIndexOf(".") + 1);
