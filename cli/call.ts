import type { OwnCertificate } from "./certificate/own.js";
import { usage } from "./failure.js";
import { type Collection, childPath, isId, jobPath, nodePath, workspacePath } from "./ids.js";
import { localProfile } from "./local-profile.js";
import { chosenProfile, readProfiles } from "./profiles.js";
import type { Session } from "./session.js";
import { effective, over, type Profile } from "./settings.js";
import type { World } from "./world.js";

export type Given = Readonly<Record<string, unknown>>;

/** One call of one verb: what the user gave, and the way to the coordinator. */
export class Call {
  #profile: Promise<Profile> | undefined;
  #session: Promise<Session> | undefined;

  constructor(
    readonly world: World,
    private readonly given: Given,
    /** Positional words. */
    readonly words: readonly string[],
  ) {}

  text(option: string): string | undefined {
    const value = this.given[option];
    return typeof value === "string" ? value : undefined;
  }

  texts(option: string): string[] {
    const value = this.given[option];
    return Array.isArray(value) ? value.map(String) : [];
  }

  flag(option: string): boolean {
    return this.given[option] === true;
  }

  /** False when `--no-wait` was given. */
  get waits(): boolean {
    return this.given.wait !== false;
  }

  whole(option: string, least = 0): number | undefined {
    const value = this.text(option);
    if (value === undefined) return undefined;
    const shown = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (!/^\d{1,15}$/.test(value)) throw usage(`--${shown}: expected a whole number, found "${value}"`);
    if (Number(value) < least) throw usage(`--${shown}: expected ${least} or more, found ${value}`);
    return Number(value);
  }

  /** Flags over environment over profile. */
  settings(): Promise<Profile> {
    this.#profile ??= this.#readSettings();
    return this.#profile;
  }

  async #readSettings(): Promise<Profile> {
    const { environment, configFolder } = this.world;
    const asked = this.text("profile") ?? (environment.STOKER_PROFILE || undefined);
    const chosen = chosenProfile(await readProfiles(configFolder), asked, configFolder);
    const isElsewhere = this.text("coordinator") !== undefined || environment.STOKER_COORDINATOR !== undefined;
    // Nobody has said anything: on the coordinator's own machine, its own word counts.
    const profile = chosen.coordinator !== undefined || isElsewhere ? chosen : over(await localProfile(), chosen);
    const flags: Partial<Record<keyof Profile, string>> = {};
    const set = (key: keyof Profile, option: string) => {
      const value = this.text(option);
      if (value !== undefined) flags[key] = value;
    };
    for (const key of [
      "coordinator",
      "tokenFile",
      "certificateFile",
      "keyFile",
      "authorityFile",
      "tls",
      "workspace",
      "experiment",
      "cluster",
      "output",
    ] as const)
      set(key, key);
    set("storageAccount", "storageAccountName");
    set("storageKey", "storageAccountKey");
    return effective(flags, environment, profile);
  }

  /** Connects at the first use; the program's end closes it. */
  session(): Promise<Session> {
    this.#session ??= this.#open();
    return this.#session;
  }

  async #open(): Promise<Session> {
    const { openSession } = await import("./session.js");
    const session = openSession(this.world, await this.settings());
    if (session.own) await this.#keepGood(session, session.own);
    return session;
  }

  /** What can't be done now is tried again by the next command: this one goes on with what is good still. */
  async #keepGood(session: Session, own: OwnCertificate): Promise<void> {
    const { isDue } = await import("./certificate/own.js");
    if (!isDue(own.certificate, Date.now())) return;
    try {
      const { renew } = await import("./certificate/renew.js");
      await renew(session, own);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      await this.notice(`${own.certificateFile}: the certificate could not be renewed: ${error.message}`);
    }
  }

  /** Present only when a session was asked for and could be opened. */
  async opened(): Promise<Session | undefined> {
    return this.#session?.catch(() => undefined);
  }

  /** One line about what goes on; not a part of the output. */
  notice(line: string): Promise<void> {
    return this.world.err(`stoker: ${line}\n`);
  }

  name(what: string): string {
    const name = this.text("name") ?? this.words[0];
    if (name === undefined) throw usage(`which ${what}? give its name with -n`);
    return name;
  }

  async workspace(): Promise<string> {
    const { workspace } = await this.settings();
    if (workspace === undefined) throw usage("which workspace? give it with -w, STOKER_WORKSPACE or a profile");
    return workspacePath(workspace);
  }

  async experiment(): Promise<string> {
    const { experiment } = await this.settings();
    if (experiment === undefined) throw usage("which experiment? give it with -e, STOKER_EXPERIMENT or a profile");
    return isId(experiment) ? experiment : childPath(await this.workspace(), "experiments", experiment);
  }

  async childId(collection: Collection, what: string): Promise<string> {
    const name = this.name(what);
    return isId(name) ? name : childPath(await this.workspace(), collection, name);
  }

  async jobId(): Promise<string> {
    const name = this.name("job");
    return isId(name) ? name : jobPath(await this.experiment(), name);
  }

  /** Of `-j`, for what belongs to a job. */
  async ofJob(): Promise<string> {
    const name = this.text("job");
    if (name === undefined) throw usage("which job? give its name with -j");
    return isId(name) ? name : jobPath(await this.experiment(), name);
  }

  /** Of `-c`, for what belongs to a cluster. */
  async ofCluster(): Promise<string> {
    const { cluster } = await this.settings();
    if (cluster === undefined) throw usage("which cluster? give it with -c, STOKER_CLUSTER or a profile");
    return isId(cluster) ? cluster : childPath(await this.workspace(), "clusters", cluster);
  }

  nodeId(): string {
    return nodePath(this.name("node"));
  }

  /** Asks before something is lost; without a terminal to ask on, -y must have been given. */
  async confirm(question: string): Promise<boolean> {
    if (this.flag("yes")) return true;
    if (!this.world.isInteractive) throw usage(`${question} Give -y to say yes without being asked`);
    const answer = await this.world.ask(`${question} [y/N] `, new AbortController().signal);
    return /^y(es)?$/i.test(answer.trim());
  }
}
