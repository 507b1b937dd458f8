import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { World } from "../world.js";
import type { Chunk } from "./logs.js";

/** A line that is longer is broken: one rank must not hold its bytes back for ever. */
const lineBytesMax = 64 * 1024;
const newline = 0x0a;

/** A rank's bytes as they are, to stdout and stderr. With several ranks each line is marked by its rank. */
export class LogPrinter {
  readonly #partial = new Map<string, Buffer>();

  constructor(
    private readonly world: Pick<World, "out" | "err">,
    private readonly marked: boolean,
  ) {}

  async print(chunk: Chunk): Promise<void> {
    const bytes = this.marked ? this.#lines(chunk) : chunk.data;
    if (chunk.stream === LogStream.STDERR) await this.world.err(bytes);
    else await this.world.out(bytes);
  }

  #lines({ attempt, rank, stream, data, complete }: Chunk): Buffer {
    const key = `${attempt}/${rank}/${stream}`;
    const text = Buffer.concat([this.#partial.get(key) ?? Buffer.alloc(0), data]);
    const mark = Buffer.from(`[${rank}] `);
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      pieces.push(mark, text.subarray(start, end + 1));
      start = end + 1;
    }
    const rest = text.subarray(start);
    const isDue = rest.length > 0 && (complete || rest.length >= lineBytesMax);
    if (isDue) pieces.push(mark, rest, Buffer.from("\n"));
    this.#partial.set(key, isDue ? Buffer.alloc(0) : rest);
    return Buffer.concat(pieces);
  }

  /** What was begun and not ended, when nothing more comes. */
  async flush(): Promise<void> {
    for (const [key, rest] of this.#partial) {
      if (rest.length === 0) continue;
      const [, rank, stream] = key.split("/");
      const line = Buffer.concat([Buffer.from(`[${rank}] `), rest, Buffer.from("\n")]);
      if (Number(stream) === LogStream.STDERR) await this.world.err(line);
      else await this.world.out(line);
    }
    this.#partial.clear();
  }
}
