import { workspaceId } from "../../../shared/ids.js";
import { refuse, shown } from "../admission/fields.js";
import type { World } from "../memory.js";
import { findWorkspace } from "../names.js";
import type { Workspace } from "../state.js";
import type { ChangeSecret } from "./fields.js";
import { secretKey } from "./secret.js";
import { changeTexts, someText } from "./texts.js";

/**
 * A reference (`secretUrl`) is looked up when the spec that has it is admitted, and stands in the value's own field from then on, between two
 * characters that no text has: so whoever makes a plan of the spec handles it like a value. In orders to agents the sealed value takes its place,
 * and the value itself only where they are sent.
 */
const [begins, ends] = ["\uFDD0", "\uFDD1"];
const reference = new RegExp(`${begins}([^${ends}]*)${ends}`, "g");
const isMarked = (text: string) => text.includes(begins);
const sealedWord = "sealed ";

/** What Key Vault allowed, and "_" as in all of our names. */
const namePattern = /^[-\w]{1,127}$/;
const vaultUrl =
  /^https:\/\/[-\w]{1,64}\.vault\.[-\w.]{1,100}(?::443)?\/secrets\/([-\w]{1,127})(?:\/[-\w]{0,64})?\/?$/i;
const ownUrl = /^stoker:\/\/([-\w]{1,64})\/([-\w]{1,127})$/i;

export function admitSecretName(path: string, name: string): string {
  if (!namePattern.test(name)) refuse(path, `"${shown(name)}" is not a name: 1 to 127 letters, digits, "-" and "_"`);
  return name;
}

/** With every reference in the place of its value, and the keys of all that are referred to. */
export function withReferences<S>(
  spec: S,
  changeSecrets: (spec: S, change: ChangeSecret) => S,
  world: World,
  workspace: Workspace,
): { spec: S; keys: string[] } {
  refuseMarked("spec", spec);
  const keys = new Set<string>();
  const changed = changeSecrets(spec, (value, path, given) => {
    if (!given) return value;
    const owner = path.replace(/[^.]*$/, `${fieldOf(path)}SecretReference`);
    if (value !== "") refuse(owner, `the plain ${fieldOf(path)} is given too; give one`);
    const key = keyOf(world, workspace, `${owner}.secretUrl`, given.secretUrl.trim());
    keys.add(key);
    return `${begins}${key}${ends}`;
  });
  return keys.size === 0 ? { spec, keys: [] } : { spec: changed, keys: [...keys] };
}

/** Else a text could be taken for a reference. */
export function refuseMarked(path: string, given: unknown): void {
  if (someText(given, (text) => isMarked(text) || text.includes(ends))) {
    refuse(path, "holds U+FDD0 or U+FDD1, which are no characters");
  }
}

const fieldOf = (path: string) => path.slice(path.lastIndexOf(".") + 1);

function keyOf(world: World, workspace: Workspace, path: string, url: string): string {
  const { owner, name } = parsed(world, workspace, path, url);
  const key = secretKey(owner.uuid, name);
  if (!world.secrets.has(key)) {
    refuse(
      path,
      `there is no secret ${name} in workspace ${owner.name}: \`stoker secret set -w ${owner.name} ${name}\` sets it`,
    );
  }
  return key;
}

/** The vault and the version are passed over: names are looked up in the workspace. */
function parsed(world: World, workspace: Workspace, path: string, url: string): { owner: Workspace; name: string } {
  if (url === "") refuse(path, "is required");
  if (namePattern.test(url)) return { owner: workspace, name: url };
  const azure = vaultUrl.exec(url);
  if (azure) return { owner: workspace, name: azure[1] ?? "" };
  const own = ownUrl.exec(url);
  if (own) return { owner: findWorkspace(world, `workspaces/${own[1]}`), name: own[2] ?? "" };
  return refuse(
    path,
    `"${shown(url)}" is none of NAME, stoker://WORKSPACE/NAME and https://VAULT.vault.azure.net/secrets/NAME`,
  );
}

/** Of a reference that names one. */
export const workspaceOfSecretUrl = (url: string): string | undefined => ownUrl.exec(url)?.[1];

/** Keys of the secrets that an admitted spec, or a part of it, refers to. */
export function keysIn(spec: unknown): string[] {
  const keys = new Set<string>();
  someText(spec, (text) => {
    for (const [, key = ""] of text.matchAll(reference)) keys.add(key);
    return false;
  });
  return [...keys];
}

export function describeKey(world: World, key: string): { workspace: string; name: string } {
  const [uuid = "", name = ""] = key.split(" ");
  return { workspace: world.workspaces.get(workspaceId(uuid))?.name ?? uuid, name };
}

/** Sealed values in place of references; one whose secret is gone stays, and is nothing when it is opened. */
export function withSealed<T>(world: World, order: T): T {
  if (!someText(order, isMarked)) return order;
  return changeTexts(order, (text) =>
    isMarked(text)
      ? text.replace(reference, (whole, key: string) => {
          const secret = world.secrets.get(key);
          return secret ? `${begins}${sealedWord}${key} ${secret.sealed}${ends}` : whole;
        })
      : text,
  );
}

/** Values in place of sealed ones. `open` is given the secret's key and what is sealed, or nothing when it is gone. */
export function withOpened<T>(order: T, open: (key: string, sealed: string | undefined) => string): T {
  if (!someText(order, isMarked)) return order;
  return changeTexts(order, (text) =>
    isMarked(text)
      ? text.replace(reference, (_, inner: string) => {
          if (!inner.startsWith(sealedWord)) return open(inner, undefined);
          const at = inner.lastIndexOf(" ");
          return open(inner.slice(sealedWord.length, at), inner.slice(at + 1));
        })
      : text,
  );
}
