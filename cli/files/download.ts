import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { File } from "../../shared/gen/stoker/v1/file_pb.js";
import { type FileHead, FileType } from "../../shared/gen/stoker/v1/relay_pb.js";
import { exitCode, Failure } from "../failure.js";
import type { Session } from "../session.js";

interface Source {
  id: string;
  outputDirectoryId: string;
}

/** Files of a directory that are on their way at once. */
const atOnce = 4;

/**
 * Each file is written beside its place, under a name that tells its contents' etag, and renamed when all of it is on disk: so what is left of a
 * broken copy is either gone on with, or of no use and removed.
 */
export class Download {
  readonly done = { files: 0, bytes: 0 };

  constructor(
    private readonly session: Session,
    private readonly source: Source,
  ) {}

  async directory(path: string, to: string): Promise<void> {
    await mkdir(to, { recursive: true });
    const files = await this.list(path);
    const folders = files.filter(({ fileType }) => fileType === FileType.DIRECTORY);
    const waiting = files.filter(({ fileType }) => fileType === FileType.FILE);
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        await this.file(joined(path, next.name), join(to, localName(next)), next.node);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    for (const folder of folders) await this.directory(joined(path, folder.name), join(to, safeName(folder.name)));
  }

  async file(path: string, to: string, node = ""): Promise<void> {
    const isFolder = (await stat(to).catch(missing))?.isDirectory() === true;
    const target = isFolder ? join(to, safeName(basename(path))) : to;
    const head = await this.head(path, node);
    const part = join(dirname(target), `.${basename(target).slice(0, 200)}.${shortHash(head.etag)}.part`);
    await removeOtherParts(target, part);
    await this.fill(path, node, head, part);
    if (head.modifiedTime) {
      const time = timestampDate(head.modifiedTime);
      await utimes(part, time, time);
    }
    await rename(part, target);
    this.done.files += 1;
    this.done.bytes += Number(head.size);
  }

  private async list(directory: string): Promise<File[]> {
    const files: File[] = [];
    let pageToken = "";
    do {
      const request = { ...this.source, directory, pageToken };
      const answer = await this.session.jobs.listJobFiles(request, this.session.limits);
      files.push(...answer.files);
      pageToken = answer.nextPageToken;
    } while (pageToken !== "");
    return files;
  }

  private async head(path: string, node: string): Promise<FileHead> {
    const request = { ...this.source, path, node, length: 0n };
    for await (const { message } of this.session.jobs.readJobFile(request))
      if (message.case === "head") return message.value;
    throw new Failure(exitCode.failed, `${path}: the coordinator said nothing of it`);
  }

  /** Goes on where the part ends; its bytes are of the same contents. */
  private async fill(path: string, node: string, wanted: FileHead, part: string): Promise<void> {
    const file = await open(part, "a");
    try {
      let position = BigInt((await file.stat()).size);
      if (position > wanted.size) {
        await file.truncate(0);
        position = 0n;
      }
      const request = { ...this.source, path, node, offset: position, length: wanted.size - position };
      for await (const { message } of this.session.jobs.readJobFile(request)) {
        if (message.case === "head" && !isSame(message.value, wanted)) throw changed(path);
        if (message.case !== "data") continue;
        await file.appendFile(message.value);
        position += BigInt(message.value.length);
      }
      if (position !== wanted.size)
        throw new Failure(
          exitCode.failed,
          `${path}: ${position} of ${wanted.size} bytes came; run the command again to go on`,
        );
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** One that has only grown meanwhile is still the file whose first bytes are wanted. */
const isSame = (found: FileHead, wanted: FileHead) =>
  fileOf(found.etag) === fileOf(wanted.etag) && found.size >= wanted.size;
const fileOf = (etag: string) => etag.split("-").slice(0, 2).join("-");
const changed = (path: string) =>
  new Failure(exitCode.failed, `${path}: it was replaced while it was copied; run the command again`);

const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);
const joined = (folder: string, name: string) => (/^\.?$/.test(folder) ? name : `${folder}/${name}`);

/** What is on several nodes' disks has the node's name after its own. */
const localName = ({ name, node }: File) => safeName(node === "" ? name : `${name}.${node}`);

/** Names come over the network: none may lead out of the folder. */
function safeName(name: string): string {
  if (name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)) return name;
  throw new Failure(exitCode.failed, `${JSON.stringify(name)} is no name for a file`);
}

/** Of earlier contents of the same file. */
async function removeOtherParts(target: string, part: string): Promise<void> {
  const folder = dirname(target);
  const prefix = `.${basename(target).slice(0, 200)}.`;
  const names = await readdir(folder);
  const others = names.filter(
    (name) => name.startsWith(prefix) && /^[0-9a-f]{12}\.part$/.test(name.slice(prefix.length)),
  );
  for (const name of others) if (join(folder, name) !== part) await rm(join(folder, name));
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
