import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { runLimited } from "../limited.js";
import type { NfsServer, Served } from "./served.js";

export interface KernelServerOptions {
  /** Read by exportfs; Stoker's own, so that the machine's other exports stay as they are. */
  exportsFile: string;
  path: string;
}

const limitMs = 60_000;

/** The kernel's own server, as Debian's nfs-kernel-server and its like set it up. It serves directories under their own paths. */
export class KernelServer implements NfsServer {
  readonly name = "kernel";
  readonly port = 2049;

  constructor(private readonly options: KernelServerOptions) {}

  mountPointOf({ directory }: Served): string {
    return directory;
  }

  async serve(exports: readonly Served[]): Promise<ReadonlyMap<string, string>> {
    const { exportsFile } = this.options;
    const text = exportsText(exports);
    const before = existsSync(exportsFile) ? readFileSync(exportsFile, "utf8") : "";
    const changed = text !== before;
    if (changed && text === "") rmSync(exportsFile, { force: true });
    else if (changed) {
      mkdirSync(dirname(exportsFile), { recursive: true });
      writeFileSync(exportsFile, text);
    }
    const starts = exports.length > 0 && !this.isUp();
    if (starts) await this.start();
    if (changed || starts) await this.run("exportfs", "-ra");
    return new Map();
  }

  private isUp(): boolean {
    const threads = "/proc/fs/nfsd/threads";
    return existsSync(threads) && Number(readFileSync(threads, "utf8")) > 0;
  }

  private async start(): Promise<void> {
    if (existsSync("/run/systemd/system")) await this.run("systemctl", "start", "nfs-server.service");
    else {
      await this.run("modprobe", "nfsd");
      if (!existsSync("/proc/fs/nfsd/threads")) await this.run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd");
      await this.run("rpc.nfsd", "-N", "3", "8");
    }
  }

  private async run(...argv: [string, ...string[]]): Promise<void> {
    const { problem, words } = await runLimited({ argv, timeoutMs: limitMs, environment: { PATH: this.options.path } });
    if (problem !== undefined) throw new Error(`${argv.join(" ")}: ${problem}${words === "" ? "" : `: ${words}`}`);
  }
}

/** In the form of exports(5). */
export function exportsText(exports: readonly Served[]): string {
  return exports
    .map(({ id, directory, clients }) => {
      const options = `rw,sync,no_root_squash,no_subtree_check,fsid=${id}`;
      const who = clients.length === 0 ? ["*"] : clients;
      return `${escaped(directory)} ${who.map((client) => `${client}(${options})`).join(" ")}\n`;
    })
    .join("");
}

const escaped = (path: string) =>
  path.replace(/[\s"#\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
