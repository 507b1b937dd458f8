import { Fault } from "../../../shared/fault.js";
import type { Network, Pipe } from "./network.js";
import type { Process } from "./process.js";

/** Messages as one side reads them: `for await` over what came, until the end or a failure. */
export class Inbox<T> implements AsyncIterable<T> {
  private readonly come: T[] = [];
  private end: { error: unknown } | "closed" | undefined;
  private reader: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void } | undefined;

  put(message: T): void {
    if (this.end !== undefined) return;
    const { reader } = this;
    this.reader = undefined;
    if (reader) reader.resolve({ done: false, value: message });
    else this.come.push(message);
  }

  close(error?: unknown): void {
    if (this.end !== undefined) return;
    this.end = error === undefined ? "closed" : { error };
    const { reader } = this;
    this.reader = undefined;
    if (!reader) return;
    if (error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return {
      next: () =>
        new Promise<IteratorResult<T>>((resolve, reject) => {
          const value = this.come.shift();
          if (value !== undefined) resolve({ done: false, value });
          else if (this.end === "closed") resolve({ done: true, value: undefined });
          else if (this.end !== undefined) reject(this.end.error);
          else this.reader = { resolve, reject };
        }),
    };
  }
}

/** One side of a connection. */
export class End<In, Out> {
  readonly inbox = new Inbox<In>();
  private open = true;

  constructor(
    readonly process: Process,
    private readonly out: Pipe,
    private readonly connection: { other(end: unknown): End<Out, In> | undefined; drops(): boolean },
  ) {}

  push(message: Out): boolean {
    if (!this.open || !this.process.alive) return false;
    this.out.send(() => {
      const other = this.connection.other(this);
      other?.process.take(() => other.inbox.put(message));
    });
    return true;
  }

  /** We are done with it: the other side hears of that after what we have sent, or instead of it. */
  shut(error: Fault): void {
    if (!this.open) return;
    this.open = false;
    this.inbox.close();
    this.tellEnd(error);
  }

  /** The process went, and its machine's kernel tells. */
  died(): void {
    if (!this.open) return;
    this.open = false;
    this.tellEnd(new Fault("unavailable", "the connection was reset"));
  }

  /** The machine went, and nobody tells. */
  vanished(): void {
    this.open = false;
    this.out.drop();
  }

  private tellEnd(error: Fault): void {
    if (this.connection.drops()) {
      this.out.drop();
      return;
    }
    this.out.end(() => {
      const other = this.connection.other(this);
      other?.process.take(() => other.refused(error));
    });
  }

  /** The other side is done, or was never there. */
  refused(error: Fault): void {
    this.open = false;
    this.inbox.close(error);
  }
}

/** A stream between an agent and the coordinator. */
export class Connection<Up, Down> {
  readonly client: End<Down, Up>;
  private server: End<Up, Down> | undefined;
  private readonly up: Pipe;
  private readonly down: Pipe;
  private readonly shared: { other(end: unknown): never; drops(): boolean };

  constructor(network: Network, client: Process, hosts: { client: string; server: string }, drops: () => boolean) {
    this.up = network.pipe(hosts.client, hosts.server);
    this.down = network.pipe(hosts.server, hosts.client);
    this.shared = { drops, other: (end: unknown) => (end === this.client ? this.server : this.client) as never };
    this.client = new End(client, this.up, this.shared);
  }

  /** `listener` answers with the process that takes the call; nobody there means that it is refused. */
  dial(listener: () => Process | undefined, accepted: (server: End<Up, Down>) => void): void {
    this.up.send(() => {
      const process = listener();
      if (process) {
        const server = new End<Up, Down>(process, this.down, this.shared);
        this.server = server;
        process.take(() => accepted(server));
      } else {
        this.down.end(() => {
          const { client } = this;
          client.process.take(() => client.refused(new Fault("unavailable", "nobody listens")));
        });
      }
    });
  }
}
