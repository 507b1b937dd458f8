import type { Logger } from "pino";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import {
  givenGpus,
  openPolicy,
  type Policy,
  type Presence,
  presenceAfter,
  refusedByOwner,
  type Terms,
  termsOf,
  unreadable,
} from "../core/policy/policy.js";
import { PolicyFile } from "./policy-file.js";
import { machineSigns, type SignPlaces, signsOf } from "./signs.js";

/** Well within the five seconds that its owner is promised. */
const lookMs = 1_000;

/** The machine's owner: what they want now, by their policy file and by what is to be seen on the machine. */
export class Owner {
  private readonly file: PolicyFile;
  private presence: Presence | undefined;
  private now: Terms;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    path: string,
    private readonly log: Logger,
    private readonly places: SignPlaces = machineSigns,
  ) {
    this.file = new PolicyFile(path);
    this.now = this.look();
  }

  get terms(): Terms {
    return this.now;
  }

  /** Of a file that can't be understood nothing is allowed that needs the owner's leave. */
  get policy(): Policy {
    const read = this.file.get();
    return typeof read === "string" ? openPolicy : read;
  }

  /** Those that are its to give, by what its file says now; of one that can't be understood none. */
  given<Gpu extends { uuid: string; index: number }>(all: readonly Gpu[]): Gpu[] {
    const read = this.file.get();
    return typeof read === "string" ? [] : givenGpus(read, all);
  }

  /** Whether clusters may have admin accounts here, at this moment; `otherwise`: where its file does not say. */
  allowsAdminAccounts(otherwise: boolean): boolean {
    const read = this.file.get();
    return typeof read === "string" ? false : (read.allowAdminAccounts ?? otherwise);
  }

  /** Why the job may not run here, at this moment. */
  refuses(grant: LeaseGrant): string | undefined {
    this.now = this.look();
    return refusedByOwner(this.now, grant);
  }

  /** `changed`: each time something else holds. */
  start(changed: (terms: Terms) => void): void {
    const look = () => {
      const before = JSON.stringify(this.now);
      this.now = this.look();
      if (JSON.stringify(this.now) === before) return;
      this.log.info({ closed: this.now.closed, wantedBack: this.now.wantedBack }, "the owner's terms have changed");
      changed(this.now);
    };
    this.timer = setInterval(look, lookMs);
    changed(this.now);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): Terms {
    const policy = this.file.get();
    if (typeof policy === "string") return unreadable(policy);
    const date = new Date();
    const local = { day: date.getDay(), minute: date.getHours() * 60 + date.getMinutes() };
    const signs = policy.reclaim ? signsOf(policy.reclaim, this.places) : [];
    const seen = { now: date.getTime(), local, signs };
    this.presence = presenceAfter(this.presence, seen);
    return termsOf(policy, seen, this.presence);
  }
}
