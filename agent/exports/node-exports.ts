import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ExportState, Exports, ExportWish, Serving } from "../ports.js";
import { mountDisks, unmountDisks } from "./disk-folder.js";
import { Ganesha } from "./ganesha.js";
import { KernelServer } from "./kernel-server.js";
import { freeBytes, hasKernelServer, isBelow, isInstalled, isSystem, type Offer } from "./machine.js";
import type { NfsServer, Served } from "./served.js";

export interface NodeExportsOptions {
  /** On the agent's local disk. */
  folder: string;
  offer: Offer;
  port: number;
  /** Where programs are looked for. */
  path?: string;
  /** Between two looks at the server. */
  everyMs?: number;
  kernel?: boolean;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Kept extends ExportWish {
  number: number;
}

/**
 * What this machine serves to others. The list is on its disk, so that it is served again after a boot with nobody's word; the server itself
 * is a process beside the agent, which goes on without it. Files are never removed.
 */
export class NodeExports implements Exports {
  private kept: Kept[];
  private found: ExportState[] = [];
  private readonly server: NfsServer | undefined;
  private readonly path: string;
  private readonly list: string;
  private changed: () => void = () => {};
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  /** Nothing is served, and nothing of an earlier agent's either. */
  private isIdle = false;
  private closed = false;

  constructor(
    private readonly options: NodeExportsOptions,
    private readonly log: Logger,
  ) {
    this.path = options.path ?? defaultPath;
    this.list = join(options.folder, "exports.json");
    this.kept = this.readList();
    this.server = this.chooseServer();
    this.found = this.kept.map(({ id }) => preparing(id));
  }

  serving(): Serving {
    const { offer } = this.options;
    const folder = offer.kind === "folder" ? offer.path : "";
    return {
      server: this.server?.name ?? "",
      folder,
      freeBytes: folder === "" ? 0 : freeBytes(folder),
      refused: offer.kind === "nothing",
      exports: this.kept.length,
    };
  }

  start(changed: () => void): void {
    this.changed = changed;
    this.soon(0);
  }

  set(wishes: readonly ExportWish[]): void {
    const numbers = new Map(this.kept.map(({ id, number }) => [id, number]));
    let next = Math.max(0, ...numbers.values());
    this.kept = wishes.map((wish) => {
      const number = numbers.get(wish.id) ?? ++next;
      return { ...wish, number };
    });
    this.writeList();
    // One that is to be served no longer is named until that is so.
    const fresh = this.kept.filter(({ id }) => !this.found.some((state) => state.id === id));
    this.found = [...this.found, ...fresh.map(({ id }) => preparing(id))];
    this.working = this.working.then(() => this.settle());
    this.soon(this.everyMs);
  }

  states(): readonly ExportState[] {
    return this.found;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private get everyMs(): number {
    return this.options.everyMs ?? 5_000;
  }

  private soon(waitMs: number): void {
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.working = this.working.then(() => this.settle());
      this.working.finally(() => this.soon(this.everyMs)).catch(() => {});
    }, waitMs);
    this.timer.unref();
  }

  /** Sees to it that all that is to be served is. Never rejects: what is wrong is a state. */
  private async settle(): Promise<void> {
    if (this.closed) return;
    const kept = this.kept;
    if (kept.length === 0 && this.isIdle) return;
    const ready: Served[] = [];
    const states = new Map<string, ExportState>();
    for (const wish of kept) {
      try {
        const directory = await this.directoryOf(wish);
        const { number, id, mountPoint, clients } = wish;
        ready.push({ number, id, directory, mountPoint, clients });
      } catch (error) {
        states.set(wish.id, failed(wish.id, error));
      }
    }
    if (this.closed) return;
    try {
      if (!this.server && ready.length > 0) throw new Error(noServer);
      const refused = await this.server?.serve(ready);
      for (const served of ready) {
        const why = refused?.get(served.id);
        states.set(served.id, why === undefined ? this.served(served) : failed(served.id, new Error(why)));
      }
    } catch (error) {
      for (const { id } of ready) states.set(id, failed(id, error));
    }
    const unmounted = await this.unmountOthers(kept);
    this.isIdle = kept.length === 0 && unmounted;
    if (this.kept === kept) this.tell(kept.flatMap(({ id }) => states.get(id) ?? []));
  }

  /** Disks of file servers that were deleted, by an earlier agent perhaps. */
  private async unmountOthers(kept: readonly Kept[]): Promise<boolean> {
    const folder = join(this.options.folder, "disks");
    let all = true;
    for (const id of existsSync(folder) ? readdirSync(folder) : []) {
      if (kept.some((wish) => wish.id === id)) continue;
      try {
        await unmountDisks(this.diskFolder(id), this.path);
        rmdirSync(this.diskFolder(id));
      } catch (error) {
        all = false;
        this.log.warn({ err: error, export: id }, "the disks of a deleted file server are still mounted");
      }
    }
    return all;
  }

  private readList(): Kept[] {
    try {
      return existsSync(this.list) ? (JSON.parse(readFileSync(this.list, "utf8")) as Kept[]) : [];
    } catch (error) {
      // The coordinator says it again; until then nothing is served.
      this.log.error({ err: error, file: this.list }, "what is to be served can't be read");
      return [];
    }
  }

  private writeList(): void {
    mkdirSync(this.options.folder, { recursive: true, mode: 0o700 });
    const file = openSync(`${this.list}.new`, "w", 0o600);
    try {
      writeFileSync(file, JSON.stringify(this.kept, undefined, 2));
      // A power cut must not leave an empty list, and other numbers to what clients know.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${this.list}.new`, this.list);
  }

  private tell(states: ExportState[]): void {
    const before = JSON.stringify(this.found);
    this.found = states;
    if (JSON.stringify(states) === before) return;
    for (const { id, error } of states) if (error) this.log.error({ export: id, error }, "a file server can't serve");
    this.changed();
  }

  private served(served: Served): ExportState {
    const { server } = this;
    const mountPoint = server?.mountPointOf(served) ?? served.mountPoint;
    return { id: served.id, phase: "served", mountPoint, port: server?.port ?? 0, directory: served.directory };
  }

  private async directoryOf({ id, name, directory, disks }: Kept): Promise<string> {
    const { offer } = this.options;
    // It becomes a folder's name.
    if (!/^[-\w]{1,64}$/.test(id)) throw new Error("its id is none");
    if (offer.kind === "nothing") throw new Error("the owner of this machine lets nobody serve files from it");
    if (disks.length > 0) {
      const folder = this.diskFolder(id);
      await mountDisks(disks, name, folder, this.path);
      return folder;
    }
    // Looked at before anything is made: outside of what is offered not even a folder.
    if (offer.kind === "folder" && !isBelow(directory, offer.path) && !isBelow(directory, realOf(offer.path))) {
      throw new Error(`the owner of this machine offers ${offer.path}, and ${directory} is not below it`);
    }
    if (!existsSync(directory)) {
      mkdirSync(directory, { recursive: true });
      // Everybody's, as Azure's shares were; mkdir's own mode would be cut by the umask.
      chmodSync(directory, 0o777);
    }
    const real = realpathSync(directory);
    if (!statSync(real).isDirectory()) throw new Error(`${directory} is not a directory`);
    if (offer.kind === "folder" && !isBelow(real, realOf(offer.path))) {
      throw new Error(`the owner of this machine offers ${offer.path}, and ${real} is not below it`);
    }
    if (isSystem(real)) throw new Error(`${real} belongs to the machine's own system`);
    return real;
  }

  private diskFolder(id: string): string {
    return join(this.options.folder, "disks", id);
  }

  private chooseServer(): NfsServer | undefined {
    const { folder, port, kernel } = this.options;
    if (kernel !== false && hasKernelServer(this.path)) {
      return new KernelServer({ exportsFile: "/etc/exports.d/stoker.exports", path: this.path });
    }
    return isInstalled("ganesha.nfsd", this.path) ? new Ganesha({ folder, port, path: this.path }) : undefined;
  }
}

const noServer =
  "this machine has no NFS server: install nfs-kernel-server, or nfs-ganesha and nfs-ganesha-vfs, and restart its agent";

const preparing = (id: string): ExportState => ({ id, phase: "preparing", mountPoint: "", port: 0, directory: "" });

const failed = (id: string, error: unknown): ExportState => ({
  ...preparing(id),
  phase: "failed",
  error: { code: "FileServerFailed", message: error instanceof Error ? error.message : String(error) },
});

const realOf = (path: string) => (existsSync(path) ? realpathSync(path) : path);
