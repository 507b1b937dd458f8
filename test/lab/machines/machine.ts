import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  attempt,
  CommandFailed,
  type CommandOptions,
  command,
  type Outcome,
  quoted,
  startDetached,
} from "./command.js";
import { Power } from "./power.js";
import { addressOf, labFolder } from "./settings.js";
import * as network from "./switch.js";
import type { Slot, Tier } from "./tier.js";
import { until } from "./until.js";

/** One lab machine: what a test can do to a computer in a rack. */
export class Machine {
  readonly address: string;
  readonly #slot: Slot;

  constructor(
    readonly name: string,
    readonly tier: Tier,
  ) {
    this.address = addressOf(name);
    this.#slot = { name, folder: join(labFolder, "machines", name), power: new Power(name) };
  }

  get on(): boolean {
    return this.#slot.power.on;
  }

  get consolePath(): string {
    return join(this.#slot.folder, "console.log");
  }

  async powerOn(shareFolder: string): Promise<void> {
    if (this.on) return;
    mkdirSync(this.#slot.folder, { recursive: true });
    const argv = await this.tier.boot(this.#slot, shareFolder);
    startDetached(this.#slot.power.under(argv), openSync(this.consolePath, "w"));
  }

  async waitUntilUp(): Promise<void> {
    let ran = false;
    const state = async () => {
      if (readFileSync(this.consolePath, "latin1").includes("LAB MACHINE IS UP")) return "up";
      if (ran && !this.on) return "off";
      ran ||= this.on;
      return undefined;
    };
    const reached = await until(`${this.name} comes up (${this.consolePath})`, state, 120_000);
    if (reached === "off") throw new Error(`${this.name} ended while it booted: ${this.consolePath} says why`);
    await until(`${this.name} lets us in`, () => this.tier.greet(this.#slot).then(() => true), 30_000);
    await until(`${this.name} runs a command`, async () => (await this.attempt(["true"])).code === 0, 30_000);
  }

  /** Power loss: everything on it stops at once, says nothing to anybody, and keeps only its disk. */
  async cut(): Promise<void> {
    await network.unplug(this.name);
    await this.#slot.power.cut();
    await this.tier.cleanUp(this.#slot);
  }

  /** Cut, and its disk forgotten: the next boot is a new machine. */
  async wipe(): Promise<void> {
    await this.cut();
    rmSync(this.#slot.folder, { recursive: true, force: true });
  }

  /** It stops answering and running, and keeps its state: a stuck kernel. */
  async freeze(): Promise<void> {
    // A container's connections are the host kernel's, which would go on answering for it.
    await network.part(this.name);
    this.#slot.power.freeze(true);
  }

  async thaw(): Promise<void> {
    this.#slot.power.freeze(false);
    await network.join(this.name);
  }

  /** Its network is gone, or its way to one other place; `exec` still reaches it. */
  partition = (other?: string) => network.part(this.name, other);
  heal = (other?: string) => network.join(this.name, other);
  /** It hears the other, which does not hear it. */
  mute = (other: string) => network.partOneWay(this.name, other);
  unmute = (other: string) => network.joinOneWay(this.name, other);
  /** The other hears it, which does not hear the other. */
  deafen = (other: string) => network.partOneWay(other, this.name);
  undeafen = (other: string) => network.joinOneWay(other, this.name);

  /** The host's command that runs argv as root on the machine. */
  enter(argv: string[]): string[] {
    if (!this.on) throw new Error(`${this.name} is off`);
    return this.tier.enter(this.#slot, argv);
  }

  attempt(argv: string[], options: CommandOptions = {}): Promise<Outcome> {
    return attempt(this.enter(argv), options);
  }

  async exec(argv: string[], options: CommandOptions = {}): Promise<string> {
    const outcome = await this.attempt(argv, options);
    if (outcome.code !== 0) throw new CommandFailed([`${this.name}:`, ...argv], outcome);
    return outcome.stdout;
  }

  shell = (script: string, options: CommandOptions = {}) => this.exec(["sh", "-c", script], options);

  /** Copies a file or folder of the host into a folder on the machine. */
  async push(path: string, folder: string): Promise<void> {
    if (!existsSync(path)) throw new Error(`${path}: there is no such file to push`);
    const unpack = this.enter(["sh", "-c", `mkdir -p ${quoted(folder)} && tar -C ${quoted(folder)} -xf -`]);
    await command([
      "bash",
      "-c",
      'set -o pipefail; folder=$1 name=$2; shift 2; tar -C "$folder" -cf - "$name" | "$@"',
      "push",
      dirname(path),
      basename(path),
      ...unpack,
    ]);
  }
}
