import { Fault } from "../../../shared/fault.js";
import type { FileServerSpec, ManagedExport } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { admitClean, admitUnique, pathMax, refuse, shown } from "../admission/fields.js";
import { isConnected } from "../cluster.js";
import { isOfClass } from "../machine-class.js";
import type { World } from "../memory.js";
import { findNode } from "../names.js";
import { withoutLastSlashes } from "../slashes.js";
import type { FileServer, Node, Workspace } from "../state.js";
import type { FileServing, Managed } from "./managed.js";

/** Which machine serves it, and from where. Undefined for a filer that is there already. */
export function placeFileServer(
  world: World,
  workspace: Workspace,
  name: string,
  spec: FileServerSpec,
): Omit<Managed, "since" | "state"> | undefined {
  if (spec.existing) {
    if (spec.managed) refuse("managed", "has no place beside `existing`; give one");
    return undefined;
  }
  const { managed } = spec;
  const node = managed?.node ? named(world, managed.node) : chosen(world, spec);
  const others = serversOn(world, node);
  const where = placeOn(node, workspace, name, managed);
  refuseTaken(where, others, node);
  const clients = (managed?.clients ?? []).map((client, at) => admitClient(`managed.clients[${at}]`, client));
  const points = new Set(others.map((other) => other.managed?.mountPoint));
  const free = ["/data", `/data-${name}`, `/data-${workspace.name}-${name}`].find((point) => !points.has(point));
  return { node: node.uuid, ...where, clients, mountPoint: free ?? `/data-${others.length + 1}-${name}` };
}

export const serversOn = (world: World, node: Pick<Node, "uuid">): FileServer[] =>
  [...world.fileServers.values()].filter(({ managed }) => managed?.node === node.uuid);

const serverMissing = (node: Node) =>
  `machine ${node.name} has no NFS server: install nfs-kernel-server, or nfs-ganesha and nfs-ganesha-vfs, on it and restart its agent`;

function named(world: World, reference: string): Node {
  let node: Node;
  try {
    node = findNode(world, reference);
  } catch (cause) {
    if (cause instanceof Fault) throw new Fault(cause.code, `managed.node: ${cause.message}`, { cause });
    throw cause;
  }
  const serving = node.inventory.fileServing;
  const impossible = (why: string) => new Fault("failed-precondition", `managed.node: ${why}`);
  if (!serving) throw impossible(`the agent of ${node.name} is of a release that serves no files: upgrade it`);
  if (serving.refused)
    throw impossible(`the owner of ${node.name} lets nobody serve files from it (--serve-files off)`);
  if (serving.server === "") throw impossible(serverMissing(node));
  return node;
}

/** Of the machines that are offered, one with room, of the size that is asked for, rather with more room than less. */
function chosen(world: World, spec: FileServerSpec): Node {
  const offering = [...world.nodes.values()].flatMap((node) => {
    const serving = node.inventory.fileServing;
    return serving && serving.folder !== "" && !node.lost ? [{ node, serving }] : [];
  });
  const able = offering.filter(({ serving }) => serving.server !== "");
  const wantedBytes = (spec.dataDisks?.diskCount ?? 0) * (spec.dataDisks?.diskSizeInGb ?? 0) * 2 ** 30;
  const rank = ({ node, serving }: { node: Node; serving: FileServing }) =>
    (isConnected(world, node) ? 4 : 0) +
    (serving.freeBytes >= wantedBytes ? 2 : 0) +
    (spec.vmSize !== "" && isOfClass(world, spec.vmSize, node.inventory) ? 1 : 0);
  const [best] = able.sort(
    (a, b) => rank(b) - rank(a) || b.serving.freeBytes - a.serving.freeBytes || a.node.sequence - b.node.sequence,
  );
  if (best) return best.node;
  const [unable] = offering;
  throw new Fault("failed-precondition", unable ? serverMissing(unable.node) : noOffer);
}

const noOffer =
  "no enrolled machine offers to serve files: start the agent of one with `--serve-files FOLDER`, or name a machine (`stoker file-server create --node NODE --directory PATH`) or a filer that is there already (`--existing HOST:/PATH`)";

function placeOn(
  node: Node,
  workspace: Workspace,
  name: string,
  managed: ManagedExport | undefined,
): { directory: string; disks: readonly string[] } {
  const disks = managed?.disks ?? [];
  const given = managed?.directory ?? "";
  if (disks.length > 0) {
    if (given !== "") refuse("managed", "has both directory and disks; give one");
    if (disks.length > 64) refuse("managed.disks", `are ${disks.length}; there may be 64`);
    disks.forEach((disk, at) => {
      if (!/^\/dev\/[-\w.:/]{1,200}$/.test(disk) || disk.split("/").includes("..")) {
        refuse(`managed.disks[${at}]`, `"${shown(disk)}" is not a disk such as /dev/sdb`);
      }
    });
    admitUnique("managed.disks", disks, (disk) => disk);
    return { directory: "", disks };
  }
  if (given !== "") return { directory: admitDirectory(given), disks: [] };
  const folder = node.inventory.fileServing?.folder ?? "";
  if (folder === "") {
    refuse("managed.directory", `is required: the owner of ${node.name} offers no folder (--serve-files FOLDER)`);
  }
  return { directory: `${withoutLastSlashes(folder)}/${workspace.name}/${name}`, disks: [] };
}

function admitDirectory(given: string): string {
  const path = withoutLastSlashes(admitClean("managed.directory", given, pathMax));
  if (!path.startsWith("/")) refuse("managed.directory", `"${shown(given)}" is not an absolute path`);
  if (/["\n\r\t]/.test(path) || path.split("/").some((word) => word === ".." || word === ".")) {
    refuse("managed.directory", `"${shown(given)}" must hold neither "." nor ".." nor quotes`);
  }
  return path;
}

function admitClient(path: string, given: string): string {
  if (!/^[\w.:-]{1,255}(?:\/\d{1,3})?$/.test(given)) {
    refuse(path, `"${shown(given)}" is not an address, a network such as 10.0.0.0/24, or a host name`);
  }
  return given;
}

function refuseTaken(
  { directory, disks }: { directory: string; disks: readonly string[] },
  others: readonly FileServer[],
  node: Node,
): void {
  for (const { name, managed } of others) {
    const disk = disks.find((one) => managed?.disks.includes(one));
    if (disk !== undefined) refuse("managed.disks", `${shown(disk)} of ${node.name} is file server ${name}'s`);
    if (directory === "" || !managed || managed.directory === "") continue;
    const inside = (one: string, other: string) => one === other || one.startsWith(`${other}/`);
    if (inside(directory, managed.directory) || inside(managed.directory, directory)) {
      refuse(
        "managed.directory",
        `${shown(directory)} of ${node.name} shares files with file server ${name} (${shown(managed.directory)})`,
      );
    }
  }
}
