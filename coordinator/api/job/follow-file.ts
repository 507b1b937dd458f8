import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../../shared/fault.js";
import type { ReadJobFileRequest, ReadJobFileResponseSchema } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { JobId } from "../../../shared/ids.js";
import { nodesOfJob } from "../../core/files/place.js";
import type { ApiPorts, FileDirectory } from "../ports.js";
import { Wakeup } from "../wakeup.js";

/** A node that went away is asked again, or another one, after so long. */
const retryMs = 1_000;
/** A file that is on one of several nodes' own disks is looked for so often. */
const lookMs = 500;

type Response = MessageInitShape<typeof ReadJobFileResponseSchema>;

/** Waits for the job and then for the file, and tells what is added to it until the job has ended, over the loss of nodes. */
export async function* followFile(
  ports: ApiPorts,
  uuid: JobId,
  directory: FileDirectory,
  { path, offset, node }: ReadJobFileRequest,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const life = new JobLife(ports, uuid, signal);
  try {
    let position = offset;
    let attempt = 0;
    for (;;) {
      await life.until(() => life.attempt() > 0 || life.isOver());
      if (signal.aborted) return;
      // What an attempt writes, it writes from the beginning.
      if (attempt !== 0 && life.attempt() !== attempt) position = 0n;
      attempt = life.attempt();
      const wasOver = life.isOver();
      try {
        const on = node || (await whereItIs(ports, life, directory, path, signal));
        using file = await ports.files.open(directory, path, { offset: position, node: on, until: life.end }, signal);
        yield { message: { case: "head", value: file.head } };
        for await (const data of file.bytes) {
          position += BigInt(data.length);
          yield { message: { case: "data", value: data } };
        }
        return;
      } catch (error) {
        const mayCome =
          error instanceof Fault && (error.code === "unavailable" || (error.code === "not-found" && !wasOver));
        if (!mayCome || wasOver) throw error;
        await life.pause(retryMs);
      }
    }
  } finally {
    life.close();
  }
}

/** A node's name when it must be that one; "" when any will do. */
async function whereItIs(
  ports: ApiPorts,
  life: JobLife,
  directory: FileDirectory,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  while (life.nodes().length > 1) {
    const isLast = life.isOver();
    try {
      using file = await ports.files.open(directory, path, { offset: 0n, length: 0n, node: "" }, signal);
      return file.head.ownDisk ? file.head.node : "";
    } catch (error) {
      if (isLast || !(error instanceof Fault) || error.code !== "not-found") throw error;
    }
    await life.pause(lookMs);
  }
  return "";
}

/** What a follower must know of the job. */
class JobLife {
  /** Resolves when the job has ended or is deleted, or nobody follows any more. */
  readonly end: Promise<void>;
  private readonly news = new Wakeup();
  private readonly stop: () => void;
  private ended: () => void = () => undefined;

  constructor(
    private readonly ports: ApiPorts,
    private readonly uuid: JobId,
    private readonly signal: AbortSignal,
  ) {
    this.end = new Promise((resolve) => {
      this.ended = resolve;
    });
    this.stop = ports.feed.listen(uuid, () => this.look());
    this.look();
  }

  attempt(): number {
    return this.ports.state().jobs.get(this.uuid)?.attempt ?? 0;
  }

  nodes(): readonly string[] {
    const state = this.ports.state();
    const job = state.jobs.get(this.uuid);
    return job ? nodesOfJob(state, job) : [];
  }

  isOver(): boolean {
    return (this.ports.state().jobs.get(this.uuid)?.state.kind ?? "finished") === "finished";
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.signal.aborted) await this.news.wait(this.signal);
  }

  /** Cut short by any news. */
  async pause(ms: number): Promise<void> {
    await this.news.wait(this.signal, ms);
  }

  close(): void {
    this.stop();
    this.ended();
  }

  private look(): void {
    this.news.wake();
    if (this.isOver()) this.ended();
  }
}
