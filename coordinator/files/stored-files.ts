import { Fault } from "../../shared/fault.js";
import type { RelayRequest } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { FileEntry, FileHead } from "../../shared/gen/stoker/v1/relay_pb.js";
import { type Directory, sourcesOf } from "../core/files/sources.js";
import type { State } from "../core/memory.js";

type Message = Exclude<RelayRequest["message"], { case: undefined | "hello" | "refusal" }>;

export interface FileRelay {
  readonly node: string;
  messages(): AsyncGenerator<Message>;
  send(message: { case: "inputEnd"; value: object }): Promise<void>;
  close(): void;
}

type Place = ReturnType<typeof sourcesOf>["place"] & { ownDisk: boolean };
export type FilePurpose =
  | { case: "fileList"; value: { place: Place; path: string; most: number; after: string } }
  | { case: "fileRead"; value: { place: Place; path: string; offset: bigint; length?: bigint; follow: boolean } };

export interface StoredFilesHost {
  state(): State;
  reaches(node: string): boolean;
  ask(node: string, purpose: FilePurpose, signal: AbortSignal): Promise<FileRelay>;
  /** With the values of the secrets that it refers to. */
  open(place: PlaceOf): PlaceOf;
}

export interface ListedFile {
  entry: FileEntry;
  /** On whose own disk, when several may have some; "" for what any node finds. */
  node: string;
}

export interface OpenFile extends Disposable {
  head: FileHead;
  bytes: AsyncGenerator<Uint8Array>;
}

export interface ReadRange {
  offset: bigint;
  length?: bigint | undefined;
  /** On whose own disk; "" for any that has it. */
  node: string;
  /** Goes on as the file grows, until this resolves. */
  until?: Promise<void>;
}

/** So many nodes are tried when those asked can't be reached just then. */
const triesMax = 4;

/** Files in the directories of jobs and setup tasks, wherever they can be read just now. */
export class StoredFiles {
  constructor(private readonly host: StoredFilesHost) {}

  /** One level, by the bytes of their names; at most `most` after `after`. */
  async list(
    directory: Directory,
    path: string,
    page: { most: number; after: string },
    signal: AbortSignal,
  ): Promise<ListedFile[]> {
    const { nodes, isSpread } = this.nodesFor(directory, "");
    return this.first(nodes, async (node) => {
      const first = await this.listOn(node, path, page, signal);
      const others = first.ownDisk ? nodes.filter((other) => other.owner && other !== node) : [];
      const more = await Promise.all(
        others.map((other) => this.listOn(other, path, page, signal).catch(emptyIfMissing)),
      );
      const label = ({ ownDisk, entries, node: from }: Listing) =>
        entries.map((entry) => ({ entry, node: ownDisk && isSpread ? from : "" }));
      return [first, ...more]
        .flatMap(label)
        .sort((a, b) => Buffer.compare(Buffer.from(a.entry.name), Buffer.from(b.entry.name)));
    });
  }

  /** With the head, once it is known; the caller disposes of it. */
  async open(directory: Directory, path: string, range: ReadRange, signal: AbortSignal): Promise<OpenFile> {
    const { nodes } = this.nodesFor(directory, range.node);
    return this.first(nodes, (node) => this.openOn(node, path, range, signal));
  }

  private async listOn(
    node: Candidate,
    path: string,
    page: { most: number; after: string },
    signal: AbortSignal,
  ): Promise<Listing> {
    const value = { place: { ...node.place, ownDisk: node.owner }, path, ...page };
    const relay = await this.host.ask(node.name, { case: "fileList", value }, signal);
    try {
      const entries: FileEntry[] = [];
      let ownDisk = false;
      for await (const message of relay.messages()) {
        if (message.case === "outputEnd") break;
        if (message.case !== "fileEntries") continue;
        entries.push(...message.value.entries);
        ownDisk = message.value.ownDisk;
      }
      return { entries, ownDisk, node: node.name };
    } finally {
      relay.close();
    }
  }

  private async openOn(node: Candidate, path: string, range: ReadRange, signal: AbortSignal): Promise<OpenFile> {
    const { offset, length, until } = range;
    const follow = until !== undefined;
    const value = {
      place: { ...node.place, ownDisk: node.owner },
      path,
      offset,
      follow,
      ...(length === undefined ? {} : { length }),
    };
    const relay = await this.host.ask(node.name, { case: "fileRead", value }, signal);
    try {
      void until?.then(() => relay.send({ case: "inputEnd", value: {} }));
      const messages = relay.messages();
      const head = await headOf(messages);
      return { head, bytes: bytesOf(messages), [Symbol.dispose]: () => relay.close() };
    } catch (error) {
      relay.close();
      throw error;
    }
  }

  private nodesFor(directory: Directory, only: string): { nodes: Candidate[]; isSpread: boolean } {
    const { place, placeElsewhere, members, owners, others } = sourcesOf(this.host.state(), directory);
    const [whole, part] = [this.host.open(place), this.host.open(placeElsewhere)];
    const isPart =
      part.clusterMounts.length + part.jobMounts.length < whole.clusterMounts.length + whole.jobMounts.length;
    const candidate = (name: string, owner: boolean): Candidate =>
      isPart && !members.has(name)
        ? { name, owner, place: part, isPart }
        : { name, owner, place: whole, isPart: false };
    const candidates = [
      ...owners.map((name) => candidate(name, true)),
      ...others.map((name) => candidate(name, false)),
    ].filter(({ name }) => only === "" || name === only);
    const nodes = candidates.filter(({ name }) => this.host.reaches(name));
    if (nodes.length > 0) return { nodes, isSpread: owners.length > 1 };
    const unreached = this.host.reaches(only)
      ? `node ${only} is not of its cluster, whose nodes alone mount its volumes`
      : `node ${only} is not connected`;
    const missing = only === "" ? "no node is connected that could read it" : unreached;
    throw new Fault("unavailable", `${missing}; \`stoker node list\` shows them`);
  }

  /** Of nodes that went away or have not got it, the next is asked. */
  private async first<T>(nodes: readonly Candidate[], attempt: (node: Candidate) => Promise<T>): Promise<T> {
    let failure: unknown;
    let partly: unknown;
    for (const node of nodes.slice(0, Math.max(triesMax, nodes.filter(({ owner }) => owner).length))) {
      // What its owners have not, nobody else has.
      if (!node.owner && failure instanceof Fault && failure.code === "not-found") break;
      try {
        return await attempt(node);
      } catch (error) {
        const isElsewhere = error instanceof Fault && (error.code === "unavailable" || error.code === "not-found");
        const isOwnDisk = error instanceof Fault && error.code === "failed-precondition" && !node.owner;
        if (!isElsewhere && !isOwnDisk) throw error;
        if (isOwnDisk) {
          throw partly ?? new Fault("unavailable", "it is on the own disk of a node that is not connected now");
        }
        if (node.isPart) partly ??= error;
        else failure ??= error;
      }
    }
    throw failure ?? partly;
  }
}

interface Candidate {
  name: string;
  owner: boolean;
  place: PlaceOf;
  /** It is not told of all volumes, and can't know what is on those. */
  isPart: boolean;
}

interface Listing {
  entries: FileEntry[];
  ownDisk: boolean;
  node: string;
}

type PlaceOf = ReturnType<typeof sourcesOf>["place"];

/** The others of a gang need not have what the first has. */
function emptyIfMissing(error: unknown): Listing {
  if (error instanceof Fault && (error.code === "not-found" || error.code === "unavailable"))
    return { entries: [], ownDisk: true, node: "" };
  throw error;
}

async function headOf(messages: AsyncGenerator<Message>): Promise<FileHead> {
  for (;;) {
    const { done, value } = await messages.next();
    if (done) throw new Fault("unavailable", "the node said nothing of the file");
    if (value.case === "fileHead") return value.value;
    if (value.case === "outputEnd") throw new Fault("not-found", "there is no such file");
  }
}

async function* bytesOf(messages: AsyncGenerator<Message>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) {
    if (message.case === "output") yield message.value;
    if (message.case === "outputEnd") return;
  }
}
