import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { GpuChange, Scene } from "../../fakes/recorded-smi/scene.js";
import { RecordedSmi } from "../../fakes/recorded-smi/scene.js";
import { quoted } from "../machines/command.js";
import type { Machine } from "../machines/machine.js";
import { labFolder } from "../machines/settings.js";
import { checkout } from "./bundle.js";

const recording = join(checkout, "test/fixtures/nvidia-smi/xml/v13-580.105-8x-h100.xml");
/** As the kernel writes them: the coordinator has no need of them. */
const buses = [...readFileSync(recording, "utf8").matchAll(/<gpu id="0000(0000:..:..)\.0">/g)].map(([, bus = ""]) =>
  bus.toLowerCase(),
);

/** Eight recorded H100 on a machine that has none, and a kernel's log that is a file: what its agent reads is under the same path on both sides. */
export class RecordedGpus {
  readonly #folder: string;
  readonly #smi: RecordedSmi;

  private constructor(private readonly machine: Machine) {
    this.#folder = folderOf(machine);
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true });
    cpSync(join(checkout, "test/fakes/recorded-smi"), join(this.#folder, "program"), { recursive: true });
    cpSync(recording, join(this.#folder, "recording.xml"));
    const program = join(this.#folder, "program");
    this.#smi = new RecordedSmi(this.#folder, join(this.#folder, "recording.xml"), program, "/usr/local/bin/node");
  }

  static async on(machine: Machine): Promise<RecordedGpus> {
    const gpus = new RecordedGpus(machine);
    await machine.push(gpus.#folder, dirname(gpus.#folder));
    await machine.shell(`: >${quoted(kernelLogOf(machine))}`);
    return gpus;
  }

  static settings = (machine: Machine): Record<string, string> => ({
    "nvidia-smi": join(folderOf(machine), "nvidia-smi"),
    "kernel-log": kernelLogOf(machine),
    cpus: "16",
  });

  busOf(index: number): string {
    return buses[index] ?? "";
  }

  async gpu(index: number, change: GpuChange): Promise<void> {
    this.#smi.gpu(index, change);
    await this.#tell();
  }

  async change(scene: Partial<Scene>): Promise<void> {
    this.#smi.change(scene);
    await this.#tell();
  }

  /** The records lie so many seconds apart, the last one now by the machine's own clock. */
  async kernelSays(lines: readonly string[]): Promise<void> {
    const [seconds = "0"] = (await this.machine.exec(["cat", "/proc/uptime"])).split(" ");
    const nowUs = Math.round(Number(seconds) * 1_000_000);
    const records = lines.map(
      (line, at) => `4,${nowUs + at},${nowUs - (lines.length - 1 - at) * 1_000_000},-;${line}\n`,
    );
    await this.machine.shell(`cat >>${quoted(kernelLogOf(this.machine))}`, { input: records.join("") });
  }

  async #tell(): Promise<void> {
    const scene = join(this.#folder, "scene.json");
    await this.machine.shell(`cat >${quoted(`${scene}.new`)} && mv ${quoted(`${scene}.new`)} ${quoted(scene)}`, {
      input: readFileSync(scene, "utf8"),
    });
  }
}

const folderOf = (machine: Machine) => join(labFolder, "gpus", basename(machine.name));
const kernelLogOf = (machine: Machine) => join(folderOf(machine), "kernel-log");
