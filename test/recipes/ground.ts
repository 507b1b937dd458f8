import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { FakeWorld } from "../../cli/testing/fake-world.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import type { PodmanMachine } from "../fakes/podman-machine.js";
import { StandIns } from "./stand-ins.js";

export const recipesFolder = resolve(import.meta.dirname, "../fixtures/recipes");

/** What `stoker job show -o json` says. */
export interface JobShown {
  toolType: string;
  executionState: string;
  executionInfo?: { exitCode?: number; errors?: Array<{ code: string; message: string }> };
  jobOutputDirectoryPathSegment: string;
  attempt: number;
}

/**
 * In place of mount.nfs, in the agents' own mount namespace: what a server exports is a folder of this machine, and is bound.
 * HOST:PATH DIR [-rwnvsf] [-o OPTIONS]
 */
const mountNfs = `#!/bin/sh
[ -d "\${1#*:}" ] || { echo "mount.nfs: mounting $1 failed, reason given by server: No such file or directory" >&2; exit 32; }
exec mount --bind "\${1#*:}" "$2"
`;

/** Every node has four GPUs, as an old machine told of them. */
const nvidiaSmi = `#!/bin/sh
[ "$1" = -q ] || exit 0
exec cat ${resolve(import.meta.dirname, "../fixtures/nvidia-smi/xml/v10-430.26-4x-tesla-k80.xml")}
`;

/**
 * A whole site on this machine. Two nodes have one address, so that real MPI launchers take them for two; three have addresses of their own,
 * so that lists of hosts and ports look as they do in a lab.
 */
export class Ground {
  readonly jobs = ["-w", "ai", "-e", "recipes"];

  private constructor(
    readonly folder: string,
    readonly site: LocalSite,
    readonly standIns: StandIns,
  ) {}

  /** `podman`: containers' own surroundings, in which nodes have no GPUs, as there is no driver to hand any in. */
  static async make(names = Object.keys(nodes), podman?: PodmanMachine): Promise<Ground> {
    const folder = mkdtempSync(join(tmpdir(), "stoker-recipes-"));
    const helper = join(folder, "mount.nfs");
    writeFileSync(helper, mountNfs);
    mkdirSync(join(folder, "machine"));
    writeFileSync(join(folder, "machine/nvidia-smi"), nvidiaSmi);
    for (const program of [helper, join(folder, "machine/nvidia-smi")]) chmodSync(program, 0o755);
    const variables = podman
      ? Object.entries(podman.environment).map(([name, value]) => `${name}=${value}`)
      : [`PATH=${folder}/machine:$PATH`];
    const inside = `mount --bind ${helper} /sbin/mount.nfs && ${variables.join(" ")} exec "$@"`;
    const standIns = new StandIns(folder, join(folder, "home"));
    const site = await LocalSite.start({
      folder,
      nodes: names,
      agentFlags: ["--cpus", "4"],
      flagsOf: (node) => nodes[node] ?? [],
      agentEnter: ["unshare", podman ? "-m" : "-rm", "/bin/sh", "-c", inside, "sh"],
    });
    const ground = new Ground(folder, site, standIns);
    await ground.furnish();
    return ground;
  }

  /** As the files' READMEs did it, with a file server in place of the storage account. */
  private async furnish(): Promise<void> {
    await this.stoker("workspace", "create", "-n", "ai", "-l", "eastus");
    await this.stoker("experiment", "create", "-w", "ai", "-n", "recipes");
    await this.stoker(
      "file-server",
      "create",
      "-w",
      "ai",
      "-n",
      "filer",
      "--existing",
      `filer.lab:${this.folder}/export`,
    );
    await this.stoker("storage", "map", "-w", "ai", "*/*", "filer/{account}/{name}");
    for (const share of ["logs", "scripts", "data", "batchaisample", "share"])
      mkdirSync(this.share(share), { recursive: true });
    const nc6 = join(recipesFolder, "Caffe-GPU.cluster.transcribed.json");
    const external = ["--afs-name", "batchaisample", "--afs-mount-path", "external"];
    await this.stoker("cluster", "create", "-w", "ai", "-n", "nc6", "-f", nc6, "-t", "2", ...external, ...account);
    const simple = join(recipesFolder, "azure-cli-test.simple_cluster.json");
    await this.stoker("cluster", "create", "-w", "ai", "-n", "d1", "-f", simple, "-s", "Standard_D2", "-t", "2");
    const auto = join(recipesFolder, "azure-cli-test.auto_scale_cluster_with_azure_files.json");
    await this.stoker("cluster", "create", "-w", "ai", "-n", "auto", "-f", auto, ...account);
  }

  /** The folder of a share or container of the account. */
  share(name: string): string {
    return join(this.folder, "export/acct", name);
  }

  write(share: string, path: string, text: string): void {
    const file = join(this.share(share), path);
    mkdirSync(resolve(file, ".."), { recursive: true });
    writeFileSync(file, text);
  }

  /**
   * A body as it was published, but for the image: those of 2018 can't be had here. test/recipes/containers.test.ts has containers.
   */
  bodyWithoutContainer(recipe: string): string {
    const body = JSON.parse(textOf(join(recipesFolder, recipe))) as { properties: Record<string, unknown> };
    const { containerSettings: _, ...properties } = body.properties;
    const file = join(this.folder, recipe);
    writeFileSync(file, JSON.stringify({ ...body, properties }));
    return file;
  }

  /** The command line, within this process. It must succeed. */
  async stoker(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(...words);
    if (code !== 0) throw new Error(`stoker ${words.join(" ")}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  async attempt(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const world = new FakeWorld();
    world.environment = { ...this.site.environment };
    const code = await world.run(...words);
    return { code, stdout: world.stdout, stderr: world.stderr };
  }

  async submit(name: string, file: string, cluster: string): Promise<void> {
    await this.stoker("job", "create", ...this.jobs, "-n", name, "-c", cluster, "-f", file, ...account);
  }

  async show(name: string): Promise<JobShown> {
    return JSON.parse(await this.stoker("job", "show", ...this.jobs, "-n", name, "-o", "json")) as JobShown;
  }

  /** Ended with this exit code. */
  async wait(name: string): Promise<{ code: number; stderr: string }> {
    return this.attempt("job", "wait", ...this.jobs, "-n", name);
  }

  async stop(): Promise<string[]> {
    const left = await this.site.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    return left;
  }
}

export const account = ["--storage-account-name", "acct", "--storage-account-key", "key=="];

const nodes: Record<string, string[]> = {
  m1: ["--machine-class", "STANDARD_NC6"],
  m2: ["--machine-class", "STANDARD_NC6"],
  d1: ["--machine-class", "STANDARD_D2", "--host", "127.0.0.9"],
  d2: ["--machine-class", "STANDARD_D2", "--host", "127.0.0.10"],
  a1: ["--machine-class", "STANDARD_D1", "--host", "127.0.0.11"],
};

export const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : []);
export const textOf = (path: string) => readFileSync(path, "utf8");
