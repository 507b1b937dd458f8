import type {
  AzureBlobFileSystemReference,
  AzureFileShareReference,
  AzureStorageCredentials,
} from "../../../shared/gen/stoker/v1/mount_pb.js";
import { shown } from "../admission/fields.js";
import type { World } from "../memory.js";
import type { FileServer, StorageMapping } from "../state.js";

/** A share or container as real files name it. */
export interface AzureSource {
  readonly account: string;
  readonly name: string;
  /** Inside the share; empty for all of it. */
  readonly directory: string;
}

/** With the command that would help. */
export function unmappedAdvice(noun: "share" | "container", { account, name }: AzureSource): string {
  const source = shown(`${account}/${name}`, 300);
  return (
    `Azure ${noun} ${source} stands for nothing on this site, and there is no key to mount it with: ` +
    `\`stoker storage map '${source}' FILE-SERVER[/PATH]\` says which directory is meant`
  );
}

/** A published file has a placeholder in the key's place. */
export function keyOf(credentials: AzureStorageCredentials | undefined): string {
  const key = credentials?.accountKey.trim() ?? "";
  return /^<.*>$/.test(key) ? "" : key;
}

export const hostOfShare = ({ azureFileUrl }: AzureFileShareReference) =>
  azureFileUrl
    .trim()
    .replace(/^https?:\/\//i, "")
    .split("/")[0] ?? "";

/** `https://<account>.file.core.windows.net/<share>[/directory]`; the account may still be the placeholder of a published file. */
export function sourceOfShare({ accountName, azureFileUrl }: AzureFileShareReference): AzureSource {
  const [host = "", name = "", ...directory] = azureFileUrl
    .trim()
    .replace(/^https?:\/\//i, "")
    .split("/");
  const account = accountName.trim() || (host.split(".")[0] ?? "");
  return { account, name, directory: directory.filter((part) => part !== "" && part !== "..").join("/") };
}

export const sourceOfContainer = ({ accountName, containerName }: AzureBlobFileSystemReference): AzureSource => ({
  account: accountName.trim(),
  name: containerName.trim(),
  directory: "",
});

/** Where a mapping leads: the server, and the directory below its export. */
export function mapped(world: World, source: AzureSource): { server: FileServer; directory: string } | undefined {
  const wanted = `${source.account}/${source.name}`.toLowerCase();
  const [best] = [...world.storageMappings.values()].filter((mapping) => matches(mapping, wanted)).sort(bySharpness);
  const server = best && world.fileServers.get(best.fileServer);
  if (!best || !server) return undefined;
  const filled = best.path
    .replaceAll("{account}", plain(source.account))
    .replaceAll(/\{(?:name|share|container)\}/g, () => plain(source.name));
  return { server, directory: [filled, source.directory].filter((part) => part !== "").join("/") };
}

/** A name that is to be one directory, whatever stands in the file. */
const plain = (name: string) => name.replaceAll("/", "_").replace(/^\.+$/, "_");

function matches({ source }: StorageMapping, wanted: string): boolean {
  const parts = source.split("*");
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (parts.length === 1) return source === wanted;
  if (!wanted.startsWith(first) || wanted.length < first.length + last.length || !wanted.endsWith(last)) return false;
  const slash = wanted.indexOf("/");
  const [account = "", name = ""] = source.split("/");
  return matchesWord(account, wanted.slice(0, slash)) && matchesWord(name, wanted.slice(slash + 1));
}

/** Greedy from the left, so that a pattern of many stars costs no more than its length times the word's. */
function matchesWord(pattern: string, word: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === word;
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (!word.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = word.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return word.length - last.length >= at && word.endsWith(last);
}

/** One without stars first, then the one that says most. */
function bySharpness(a: StorageMapping, b: StorageMapping): number {
  const said = ({ source }: StorageMapping) => source.replaceAll("*", "").length + (source.includes("*") ? 0 : 1000);
  return said(b) - said(a) || (a.source < b.source ? -1 : 1);
}
