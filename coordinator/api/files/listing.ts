import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../../shared/fault.js";
import type { FileSchema } from "../../../shared/gen/stoker/v1/file_pb.js";
import { FileType } from "../../../shared/gen/stoker/v1/relay_pb.js";
import type { CallContext } from "../../../shared/grpc.js";
import type { Directory } from "../../core/files/sources.js";
import { pageSizeOf, startOf, tokenAfter } from "../paging.js";
import type { ApiPorts, ListedFile } from "../ports.js";

export interface ListingRequest {
  directory: string;
  linkExpiryInMinutes: number;
  pageSize: number;
  pageToken: string;
}

const defaultExpiryMinutes = 60;

/** One page of a directory's entries. */
export async function listing(
  ports: ApiPorts,
  directory: Directory,
  request: ListingRequest,
  { signal, authority }: CallContext,
): Promise<{ files: Array<MessageInitShape<typeof FileSchema>>; nextPageToken: string }> {
  const size = pageSizeOf(request);
  const after = startOf("files", request) ?? "";
  const expiresAt = ports.now() + expiryMs(request.linkExpiryInMinutes);
  const found = await ports.files.list(directory, request.directory, { most: size + 1, after }, signal);
  const page = pageOf(found, size);
  const last = page.at(-1);
  const url = ({ entry, node }: ListedFile) => {
    if (entry.type !== FileType.FILE) return "";
    const path = request.directory === "" ? entry.name : `${request.directory}/${entry.name}`;
    return ports.links.url({ directory, path, node, expiresAt }, authority) ?? "";
  };
  return {
    files: page.map((listed) => ({
      name: listed.entry.name,
      fileType: listed.entry.type,
      downloadUrl: url(listed),
      node: listed.node,
      properties: {
        contentLength: listed.entry.size,
        ...(listed.entry.modifiedTime ? { lastModified: listed.entry.modifiedTime } : {}),
      },
    })),
    nextPageToken: found.length > page.length && last ? tokenAfter("files", last.entry.name) : "",
  };
}

/** Those of one name, on several nodes' disks, stay together: the next page begins with another name. */
function pageOf(found: readonly ListedFile[], size: number): readonly ListedFile[] {
  let end = Math.min(size, found.length);
  while (end > 0 && end < found.length && found[end]?.entry.name === found[end - 1]?.entry.name) end += 1;
  return found.slice(0, end);
}

function expiryMs(minutes: number): number {
  if (minutes !== 0 && (minutes < 5 || minutes > 600)) {
    throw new Fault("invalid-argument", `link_expiry_in_minutes is ${minutes}; it must be 5 to 600`);
  }
  return (minutes || defaultExpiryMinutes) * 60_000;
}
