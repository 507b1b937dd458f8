import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { isFull } from "../../shared/disk-reserve.js";
import { type JobId, jobId } from "../../shared/ids.js";
import { parsedJson } from "../parsed-json.js";

const notes = z.record(z.string(), z.string());

/**
 * $AZ_BATCHAI_JOB_TEMP: one folder a job, kept between attempts of the job, whose contents go when the next job starts here. Removal is a
 * rename and then work in the background, so that no job waits for another's files.
 */
export class JobTemps {
  /** Undefined when it was made by an agent that did not write it down. */
  private readonly owners = new Map<string, JobId | undefined>();

  constructor(
    private readonly root: string,
    private readonly trash: string,
    /** A file that says whose each is, for the next agent: the next job of a name may be somebody else's. */
    private readonly noteFile: string,
    /** In the background, with everything in it. */
    private readonly remove: (path: string) => void,
  ) {
    mkdirSync(root, { recursive: true });
    mkdirSync(trash, { recursive: true });
    for (const left of readdirSync(trash)) this.remove(join(trash, left));
    const noted = existsSync(noteFile) ? notes.safeParse(parsedJson(readFileSync(noteFile, "utf8"))).data : undefined;
    for (const segment of jobFolders(root)) {
      const owner = noted?.[segment];
      this.owners.set(segment, owner === undefined ? undefined : jobId(owner));
    }
  }

  /** `inUse`: path segments of the leases that this node holds. */
  prepare(segment: string, job: JobId, attempt: number, inUse: ReadonlySet<string>): void {
    for (const other of this.owners.keys()) if (other !== segment && !inUse.has(other)) this.discard(other);
    const owner = this.owners.get(segment);
    // An earlier attempt of the same job may have left its work here; an earlier job of the same name must not be seen.
    const ofThisJob = owner === job || (owner === undefined && attempt > 1);
    if (this.owners.has(segment) && !ofThisJob) this.discard(segment);
    mkdirSync(join(this.root, segment), { recursive: true });
    this.owners.set(segment, job);
    this.note();
  }

  /** A lease that was taken up again goes on in its folder. */
  adopt(segment: string, job: JobId): void {
    mkdirSync(join(this.root, segment), { recursive: true });
    this.owners.set(segment, job);
  }

  private note(): void {
    const known = [...this.owners].filter(([, job]) => job !== undefined);
    try {
      writeFileSync(`${this.noteFile}.new`, JSON.stringify(Object.fromEntries(known)), { mode: 0o600 });
      renameSync(`${this.noteFile}.new`, this.noteFile);
    } catch (error) {
      if (!isFull(error)) throw error;
      // What it said is no longer true.
      for (const path of [this.noteFile, `${this.noteFile}.new`]) rmSync(path, { force: true });
    }
  }

  private discard(segment: string): void {
    this.owners.delete(segment);
    const path = join(this.root, segment);
    const aside = join(this.trash, randomUUID());
    try {
      renameSync(path, aside);
    } catch (error) {
      // The job may have removed its own folder.
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    this.remove(aside);
  }
}

/** `workspaces/W/experiments/E/jobs/J` for each that is there. */
function jobFolders(root: string): string[] {
  let found = [""];
  for (let depth = 0; depth < 6; depth++) {
    found = found.flatMap((parent) => {
      const path = join(root, parent);
      return readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(parent, entry.name));
    });
  }
  return found;
}
