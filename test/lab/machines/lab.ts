import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { passThrough } from "./command.js";
import { container } from "./container.js";
import { Filer } from "./filer.js";
import { guest } from "./guest.js";
import { bootId, prepareHost, type TierName } from "./host.js";
import { Machine } from "./machine.js";
import { forgetPowerOf, Power } from "./power.js";
import { control, filer, imageBuilder, labFolder, labName } from "./settings.js";
import { atPlace, plugSpace, raiseSwitch, razeSwitch, unplug } from "./switch.js";

const tiers = { quick: container, full: guest };

/** A room of machines on this host, with a switch, a file server, and `control`, where the host's own programs take part. */
export class Lab {
  readonly filer = new Filer();
  readonly #control = new Power(control);

  private constructor(readonly tier: TierName) {}

  /** Makes the image if it must be made, then starts m1 to mN; those that are up are left alone. */
  static async up(count: number, tier: TierName): Promise<Lab> {
    await prepareHost(tier);
    forgetOlderBoot();
    const running = tierOnDisk();
    if (running !== undefined && running !== tier)
      throw new Error(`the lab is up in the ${running} tier: take it down first`);
    if ((await passThrough([imageBuilder, tier])) !== 0) throw new Error("the lab machines' image could not be built");
    mkdirSync(labFolder, { recursive: true });
    writeFileSync(join(labFolder, "tier"), tier);
    writeFileSync(join(labFolder, "host-boot"), bootId());
    const lab = new Lab(tier);
    await raiseSwitch();
    await plugSpace(control);
    mkdirSync(lab.filer.shareFolder, { recursive: true });
    const machines = Array.from({ length: count }, (_, index) => lab.machine(`m${index + 1}`));
    for (const machine of machines) await machine.powerOn(lab.filer.shareFolder);
    await Promise.all(machines.map((machine) => machine.waitUntilUp()));
    return lab;
  }

  /** The lab that an earlier command left up. */
  static open(): Lab {
    forgetOlderBoot();
    const tier = tierOnDisk();
    if (tier === undefined) throw new Error("no lab is up");
    return new Lab(tier);
  }

  static async downIfUp(): Promise<void> {
    if (tierOnDisk() !== undefined) await Lab.open().down();
  }

  machine(name: string): Machine {
    return new Machine(name, tiers[this.tier]);
  }

  get machines(): Machine[] {
    const folder = join(labFolder, "machines");
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))).map((name) => this.machine(name));
  }

  async boot(name: string): Promise<void> {
    const machine = this.machine(name);
    await machine.powerOn(this.filer.shareFolder);
    await machine.waitUntilUp();
  }

  /** The host's command that runs a program of the host in the lab's network, until `down` at most. */
  onControl = (argv: string[]): string[] => this.#control.under(atPlace(control, argv));

  /** Ends everything and forgets the disks. */
  async down(): Promise<void> {
    await this.#control.cut();
    for (const machine of this.machines) await machine.wipe();
    await this.filer.cut();
    for (const place of [control, filer]) await unplug(place);
    await razeSwitch();
    forgetPowerOf(labName);
    rmSync(labFolder, { recursive: true, force: true });
  }
}

function tierOnDisk(): TierName | undefined {
  const path = join(labFolder, "tier");
  return existsSync(path) ? (readFileSync(path, "utf8") as TierName) : undefined;
}

/** What a lab left on disk when the host itself went down means nothing any more. */
function forgetOlderBoot(): void {
  const path = join(labFolder, "host-boot");
  if (existsSync(path) && readFileSync(path, "utf8") !== bootId()) rmSync(labFolder, { recursive: true, force: true });
}
