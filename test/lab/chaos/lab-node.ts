import type { Lab } from "../machines/lab.js";
import type { Machine } from "../machines/machine.js";
import { control } from "../machines/settings.js";
import { agentFolder } from "../site/installation.js";
import type { NodeVictim } from "./ground.js";
import type { Direction } from "./wire.js";

const unit = "stoker-agent";
const watchdogs = `pgrep -f '^[^ ]*stoker-shim watch ${agentFolder}( |$)'`;
const shims = `pgrep -f '^[^ ]*stoker-shim run .*${agentFolder}/spool/'`;

/** A machine of the lab, whose agent is a unit of systemd. */
export class LabNode implements NodeVictim {
  readonly name: string;
  readonly #cut = new Set<Direction | "others">();
  /** What is done to it comes one after the other: a machine that starts has no power to be cut yet. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly lab: Lab,
    readonly machine: Machine,
  ) {
    this.name = machine.name;
  }

  /** Stopped too, or its unit would start it again at once. */
  kill = () =>
    this.#inTurn(async () => {
      await this.#does(`systemctl kill -s KILL --kill-who=main ${unit}; systemctl stop ${unit}`);
    });

  start = () =>
    this.#inTurn(async () => {
      if (!this.machine.on) await this.lab.boot(this.name);
      await this.#does(`systemctl start --no-block ${unit}`);
    });

  freeze = () => this.#inTurn(() => this.#frozen(`systemctl show -P MainPID ${unit} | grep -vx 0`));

  killShim = (pick: number) =>
    this.#inTurn(async () => {
      const pids = await this.#pids(shims);
      const pid = pids[Math.floor(pick * pids.length)];
      return pid !== undefined && this.#does(`kill -KILL ${pid}`);
    });

  killWatchdog = () =>
    this.#inTurn(async () => {
      const pids = await this.#pids(watchdogs);
      return pids.length > 0 && this.#does(`kill -KILL ${pids.join(" ")}`);
    });

  freezeWatchdog = () => this.#inTurn(() => this.#frozen(watchdogs));

  cut = (directions: readonly Direction[]) =>
    this.#inTurn(async () => {
      for (const direction of directions) {
        if (this.#cut.has(direction)) continue;
        this.#cut.add(direction);
        await (direction === "to" ? this.machine.mute(control) : this.machine.deafen(control));
      }
    });

  isolate = () =>
    this.#inTurn(async () => {
      if (this.#cut.has("others")) return;
      this.#cut.add("others");
      await this.machine.partition();
    });

  /** Connections live on, as those of machines do. */
  heal = () =>
    this.#inTurn(async () => {
      if (this.#cut.delete("to")) await this.machine.unmute(control);
      if (this.#cut.delete("from")) await this.machine.undeafen(control);
      if (this.#cut.delete("others")) await this.machine.heal();
    });

  cutPower = () =>
    this.#inTurn(async () => {
      if (this.machine.on) await this.machine.cut();
    });

  powerOn = () => this.start();

  /** Ends that nobody has brought about, by what systemd says of them. */
  async crashes(): Promise<string[]> {
    const said = await this.machine.shell(`journalctl -q -u ${unit} -o short-iso | grep 'Main process exited' || :`);
    const lines = said.split("\n").filter((line) => line !== "" && !line.includes("code=killed, status=9/KILL"));
    return lines.map((line) => `${this.name}: ${line}`);
  }

  async #frozen(list: string): Promise<() => void> {
    const pids = await this.#pids(list);
    if (pids.length > 0) await this.#does(`kill -STOP ${pids.join(" ")}`);
    return () => void this.#inTurn(() => this.#does(`kill -CONT ${pids.join(" ")}`));
  }

  async #pids(list: string): Promise<string[]> {
    if (!this.machine.on) return [];
    const { stdout } = await this.machine.attempt(["sh", "-c", list]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** False when it is off, or there is nobody to do it to. */
  async #does(script: string): Promise<boolean> {
    return this.machine.on && (await this.machine.attempt(["sh", "-c", script])).code === 0;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // Whoever waits for it is told of its failure.
    this.#last = result.catch(() => {});
    return result;
  }
}
