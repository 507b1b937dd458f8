import { usage } from "./failure.js";

/** Names of everything but nodes, which are called as their machines are. */
const namePattern = /^[-\w]{1,64}$/;
const nodePattern = /^[-\w.]{1,253}$/;

export function checkedName(name: string, what: string): string {
  if (namePattern.test(name)) return name;
  throw usage(`"${name}" is no name for ${article(what)}: letters, digits, - and _, at most 64 of them`);
}

const article = (what: string) => `${/^[aeiou]/.test(what) ? "an" : "a"} ${what}`;

export type Collection = "clusters" | "fileServers" | "experiments";

const words: Record<Collection, string> = {
  clusters: "cluster",
  fileServers: "file server",
  experiments: "experiment",
};

export const workspacePath = (name: string) => (isId(name) ? name : `workspaces/${checkedName(name, "workspace")}`);

/** A whole id is taken as it is, so that what one command prints another accepts; Azure's own, too. */
export const isId = (name: string) => /^(?:workspaces|nodes|\/?subscriptions)\//i.test(name);

export const childPath = (workspace: string, collection: Collection, name: string) =>
  `${workspacePath(workspace)}/${collection}/${checkedName(name, words[collection])}`;

export const jobPath = (experiment: string, name: string) => `${experiment}/jobs/${checkedName(name, "job")}`;

export function nodePath(name: string): string {
  if (name.startsWith("nodes/")) return name;
  if (nodePattern.test(name)) return `nodes/${name}`;
  throw usage(`"${name}" is no name for a node; stoker node list shows them`);
}

/** The last word of an id. */
export const leafOf = (id: string) => id.slice(id.lastIndexOf("/") + 1);

/** The workspace in an id, or nothing. */
export const workspaceOf = (id: string) => /(?:^|\/)workspaces\/([^/]+)/i.exec(id)?.[1] ?? "";

const secretPattern = /^[-\w]{1,127}$/;

export function secretName(name: string): string {
  if (secretPattern.test(name)) return name;
  throw usage(`"${name}" is no name for a secret: letters, digits, - and _, at most 127 of them`);
}

export async function secretPath(name: string, workspace: () => Promise<string>): Promise<string> {
  return isId(name) ? name : `${await workspace()}/secrets/${secretName(name)}`;
}
