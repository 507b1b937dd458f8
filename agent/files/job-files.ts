import { Fault } from "../../shared/fault.js";
import type { FileListPlan, FilePlace, FileReadPlan } from "../../shared/gen/stoker/v1/relay_pb.js";
import type { NodePlaces } from "../core/environment.js";
import { type Account, inNumbers } from "../core/policy/accounts.js";
import type { MountFailure } from "../ports.js";
import type { RelayChannel } from "../relay-ports.js";
import { parseEntries, parseHead } from "./entries.js";
import { type Located, locate } from "./place.js";
import { FilesShim } from "./shim.js";
import type { Visits } from "./visits.js";

export interface JobFilesOptions {
  shimPath: string;
  nodeName: string;
  places: NodePlaces;
  visits: Visits;
  /** A volume of a lease or of the node's membership is mounted exactly there. */
  isMounted(path: string): boolean;
  /** The account that a user's jobs are here; undefined: the agent's own. Rejects with a Fault where there is none. */
  reader(user: string): Promise<Account | undefined>;
}

/** Entries go in messages of so many. */
const entriesAtOnce = 500;

/** The directories of jobs, for users: on volumes that this node mounts, or on its own disk. */
export class JobFiles {
  constructor(private readonly options: JobFilesOptions) {}

  async list({ place, path, most, after }: FileListPlan, channel: RelayChannel): Promise<void> {
    using held = await this.reach(place, "once", channel.signal);
    const { base, below, ownDisk } = held;
    const words = ["list", ...(await this.readerOf(place)), base, below, path, String(most), after];
    using shim = new FilesShim(this.options.shimPath, words, channel.signal);
    const entries = parseEntries(await shim.text());
    for (let at = 0; at === 0 || at < entries.length; at += entriesAtOnce) {
      await channel.send({ case: "fileEntries", value: { entries: entries.slice(at, at + entriesAtOnce), ownDisk } });
    }
    await channel.send({ case: "outputEnd", value: {} });
  }

  async read({ place, path, offset, length, follow }: FileReadPlan, channel: RelayChannel): Promise<void> {
    using held = await this.reach(place, follow ? "follow" : "once", channel.signal);
    const { base, below, ownDisk } = held;
    const words = [
      "read",
      ...(await this.readerOf(place)),
      base,
      below,
      path,
      String(offset),
      String(length ?? -1n),
      follow ? "follow" : "once",
    ];
    using shim = new FilesShim(this.options.shimPath, words, channel.signal);
    if (follow) finishWithUser(shim, channel);
    for await (const said of shim.read(follow)) {
      if ("bytes" in said) await channel.send({ case: "output", value: said.bytes });
      else {
        const head = { ...parseHead(said.head), node: this.options.nodeName, ownDisk };
        await channel.send({ case: "fileHead", value: head });
      }
    }
    await channel.send({ case: "outputEnd", value: {} });
  }

  /** In the shim's words. The agent could read what the job's account can't, wherever a link of that account's leads. */
  private async readerOf(place: FilePlace | undefined): Promise<string[]> {
    const account = place?.submittedBy === undefined ? undefined : await this.options.reader(place.submittedBy);
    return [...(account ? ["--as", inNumbers(account)] : []), ...(place?.withoutLinks ? ["--without-links"] : [])];
  }

  /** Where it is, with its volumes mounted for as long as the answer is held. */
  private async reach(place: FilePlace | undefined, how: "once" | "follow", signal: AbortSignal): Promise<Reached> {
    if (!place) throw new Fault("invalid-argument", "no place was named");
    const located = locate(place, this.options.places);
    if (located.kind === "own-disk") {
      if (!place.ownDisk) throw new Fault("failed-precondition", "it is on the own disk of the job's nodes");
      const { base, below } = located;
      return { base, below, ownDisk: true, [Symbol.dispose]: () => undefined };
    }
    const { base, below } = located;
    // One that is followed must not keep the volumes of a job that ends.
    const present = this.options.isMounted(base) && (located.level === "cluster" || how === "once");
    if (present) return { base, below, ownDisk: false, [Symbol.dispose]: () => undefined };
    const visit = await this.visit(located, signal);
    return { ...visit, below, ownDisk: false };
  }

  private async visit({ plans, root, base }: Located & { kind: "volume" }, signal: AbortSignal) {
    try {
      const visit = await this.options.visits.hold(plans, signal);
      return { base: `${visit.root}${base.slice(root.length)}`, [Symbol.dispose]: () => visit[Symbol.dispose]() };
    } catch (error) {
      if (isMountFailure(error)) throw new Fault("unavailable", `${error.code}: ${error.message}`);
      throw error;
    }
  }
}

interface Reached extends Disposable {
  base: string;
  below: string;
  ownDisk: boolean;
}

function finishWithUser(shim: FilesShim, channel: RelayChannel): void {
  const listen = async () => {
    for await (const message of channel.received) if (message.case === "inputEnd") shim.finish();
  };
  listen().catch(() => shim.finish());
}

const isMountFailure = (error: unknown): error is MountFailure =>
  error instanceof Error && "code" in error && typeof error.code === "string" && "details" in error;
