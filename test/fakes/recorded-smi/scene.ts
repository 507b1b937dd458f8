import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** How a recorded GPU differs from its recording. */
export interface GpuChange {
  /** It is listed no more; those behind it move up, as they do when a machine was started anew. */
  gone?: boolean;
  /** In place of nearly every value: `GPU is lost`, `GPU requires reset`, `Unknown Error`, `ERR!`. */
  says?: string;
  /** By the names of --query-gpu, without units: told in every form. */
  values?: Record<string, string>;
  /** By paths below `<gpu>`, with units: `remapped_rows/remapped_row_failure`. */
  xml?: Record<string, string>;
  processes?: RecordedProcess[];
}

export interface RecordedProcess {
  pid: number;
  type?: string;
  name?: string;
  memoryMiB?: number;
  /** Of a GPU that is divided. */
  gpuInstance?: number;
  computeInstance?: number;
}

/** How it behaves when asked: a failure has both exit code and words; an exit code alone stands behind the usual answer. */
export interface Behaviour {
  hangs?: boolean;
  delayMs?: number;
  exitCode?: number;
  stdout?: string;
  stderr?: string;
  /** Words behind the usual answer. */
  warning?: string;
}

/** What nvidia-smi says from now on. Read again at each run and each turn of a loop. */
export interface Scene {
  /** Path of a recorded `-q -x`. */
  recording: string;
  /** Paths of a recorded `-L` and `topo -m`; made from the recording otherwise. */
  list?: string;
  topology?: string;
  /** By position in the recording. */
  gpus?: Record<number, GpuChange>;
  /** Utilization and power go up and down. */
  alive?: boolean;
  /** Of --query-gpu: this driver does not know them. */
  unknownFields?: string[];
  on?: Partial<Record<"full" | "sample" | "list" | "topology" | "table" | "all", Behaviour>>;
}

const recordings = resolve(import.meta.dirname, "../../fixtures/nvidia-smi/xml");
const here = import.meta.dirname;

/** A stand-in for nvidia-smi at the process boundary: a program in a folder for PATH, and the scene that it plays. */
export class RecordedSmi {
  readonly program: string;
  private readonly scenePath: string;
  private scene: Scene;

  /** `program`: where nvidia-smi.mjs and its neighbours are, on the machine that runs it. */
  constructor(
    readonly folder: string,
    recording: string,
    program: string = here,
    private readonly node: string = process.execPath,
  ) {
    mkdirSync(folder, { recursive: true });
    this.program = join(folder, "nvidia-smi");
    this.scenePath = join(folder, "scene.json");
    this.scene = { recording: recording.includes("/") ? recording : join(recordings, recording) };
    this.set(this.scene);
    writeFileSync(
      this.program,
      `#!/bin/sh\nexec '${this.node}' '${program}/nvidia-smi.mjs' '${this.scenePath}' "$@"\n`,
    );
    chmodSync(this.program, 0o755);
  }

  /** The scene changes in these points, and stays as it is in others. */
  change(scene: Partial<Scene>): void {
    this.set({ ...this.scene, ...scene });
  }

  /** One GPU changes. */
  gpu(at: number, change: GpuChange): void {
    this.change({ gpus: { ...this.scene.gpus, [at]: change } });
  }

  private set(scene: Scene): void {
    this.scene = scene;
    writeFileSync(`${this.scenePath}.new`, JSON.stringify(scene));
    renameSync(`${this.scenePath}.new`, this.scenePath);
  }
}
