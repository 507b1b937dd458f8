import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const makeImage = resolve(import.meta.dirname, "../../examples/container/make-image.sh");
const runtimes = ["", 'runtime = "runc"', 'runtime = "crun"'];
const managers = ["", 'cgroup_manager = "cgroupfs"'];

/**
 * A podman with a store of its own in `folder`, which works on machines without systemd or an overlay file system, too. Throws, and says what
 * podman said, where it can run no container at all.
 */
export class PodmanMachine {
  readonly environment: Record<string, string>;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    const [storage, containers] = [join(folder, "storage.conf"), join(folder, "containers.conf")];
    const roots = `graphroot = "${folder}/store"\nrunroot = "${folder}/run"\n`;
    writeFileSync(storage, `[storage]\ndriver = "vfs"\n${roots}`);
    this.environment = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers };
    writeFileSync(containers, "");
    this.makeImage("localhost/stoker-probe:1");
    const words: string[] = [];
    for (const runtime of runtimes) {
      for (const manager of managers) {
        writeFileSync(
          containers,
          `[engine]\nevents_logger = "none"\n${[runtime, manager].filter(Boolean).join("\n")}\n`,
        );
        const tried = this.run("run", "--rm", ...probe);
        if (tried.status === 0) return;
        words.push(`${runtime || "the default runtime"}, ${manager || "its cgroups"}: ${tried.stderr.trim()}`);
      }
    }
    throw new Error(`podman can run no container here, which these tests need:\n${words.join("\n")}`);
  }

  /** Of this machine's own programs. `files`: folders with plug-ins of theirs. */
  makeImage(name: string, programs: string[] = [], files: string[] = []): void {
    const environment = { ...process.env, ...this.environment, FILES: files.join(" ") };
    execFileSync(makeImage, [name, ...programs], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
  }

  run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync("podman", words, {
      env: { ...process.env, ...this.environment },
      encoding: "utf8",
      timeout: 60_000,
    });
  }

  /** All containers, also ended ones. */
  containers(): string[] {
    const { stdout } = this.run("ps", "--all", "--format", "{{.Names}}");
    return stdout.split("\n").filter((name) => name !== "");
  }

  remove(): void {
    this.run("rm", "--all", "--force", "--time", "0");
    // Layers of podman are bind mounts of themselves.
    spawnSync("umount", ["--recursive", "--lazy", join(this.folder, "store/vfs")], { stdio: "ignore" });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** As agents start theirs. */
const probe = [
  ...[
    "--network",
    "host",
    "--pid",
    "host",
    "--ulimit",
    "nofile=1024:1024",
    "--ulimit",
    "nproc=4096:4096",
    "--pids-limit",
    "-1",
  ],
  ...["localhost/stoker-probe:1", "/bin/sh", "-c", "exit 0"],
];
