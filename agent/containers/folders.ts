import { inNumbers } from "../core/policy/accounts.js";
import type { ContainerWish, SharedFolder } from "../ports.js";
import type { Argv } from "./runtime.js";

/** What each path led to, as the kernel names it. */
export type Found = ReadonlyMap<string, string>;

type Look = (argv: Argv) => Promise<string>;

/**
 * Those of the wish's folders that are there, which input directories need not be. The runtime, which is root, would show any; so those that the
 * job has named are looked for as its account: who can't go through a folder sees nothing of what lies in it.
 */
export async function foldersThere(
  { folders, account }: Pick<ContainerWish, "folders" | "account">,
  shim: string,
  look: Look,
): Promise<{ folders: SharedFolder[]; named: Found }> {
  const [named, own] = [true, false].map((is) =>
    folders.filter((folder) => (folder.named === true) === is).map(({ from }) => from),
  );
  const as = account ? ["--as", inNumbers(account)] : [];
  const find = async (paths: readonly string[] = [], reader: string[] = []) =>
    foundIn(paths.length === 0 ? "" : await look([shim, "look", "/", ...reader, ...paths]));
  const [foundNamed, foundOwn] = await Promise.all([find(named, as), find(own)]);
  return {
    folders: folders.filter((folder) => (folder.named ? foundNamed : foundOwn).has(folder.from)),
    named: foundNamed,
  };
}

/** The first of those that the job has named whose place in the container is another than its account had found: a link was changed meanwhile. */
export async function exchanged(named: Found, holder: number, shim: string, look: Look): Promise<string | undefined> {
  if (named.size === 0) return undefined;
  const inside = foundIn(await look([shim, "look", `/proc/${holder}/root`, ...named.keys()]));
  return [...named].find(([path, what]) => inside.has(path) && inside.get(path) !== what)?.[0];
}

function foundIn(text: string): Found {
  const entries = text.split("\0").filter((entry) => entry !== "");
  return new Map(entries.map((entry) => [entry.slice(entry.indexOf(" ") + 1), entry.slice(0, entry.indexOf(" "))]));
}
