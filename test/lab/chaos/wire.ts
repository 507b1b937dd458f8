import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** To the coordinator, or from it. */
export type Direction = "to" | "from";

/**
 * The way from one agent to the coordinator, as a proxy that can be cut: nothing is refused or ended, bytes just don't arrive. What was sent
 * meanwhile comes late when it is healed, as TCP would have it.
 */
export class Wire {
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  readonly #waiting = new Set<Socket>();
  readonly #cut = new Set<Direction>();

  private constructor(
    private readonly target: { host: string; port: number },
    private readonly listener: Server,
    readonly port: number,
  ) {}

  static async open(host: string, port: number): Promise<Wire> {
    const listener = createServer({ pauseOnConnect: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    const wire = new Wire({ host, port }, listener, address.port);
    listener.on("connection", (client) => wire.#accept(client));
    return wire;
  }

  cut(directions: readonly Direction[]): void {
    for (const direction of directions) this.#cut.add(direction);
    for (const pair of this.#pairs) this.#settle(pair);
  }

  /** `reset`: the connections did not outlive it. */
  heal(reset: boolean): void {
    this.#cut.clear();
    for (const pair of this.#pairs) {
      if (reset || pair.client.destroyed || pair.server.destroyed) end(pair);
      else this.#settle(pair);
    }
    for (const client of this.#waiting) this.#join(client);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) end(pair);
    for (const client of this.#waiting) client.destroy();
    this.listener.close();
    await once(this.listener, "close");
  }

  #accept(client: Socket): void {
    client.on("error", () => client.destroy());
    if (this.#cut.size > 0) this.#waiting.add(client);
    else this.#join(client);
  }

  #join(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    forward(client, server);
    forward(server, client);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#ended(pair));
      socket.on("close", () => this.#ended(pair));
    }
    this.#settle(pair);
  }

  #settle({ client, server }: { client: Socket; server: Socket }): void {
    if (this.#cut.has("to")) client.pause();
    else client.resume();
    if (this.#cut.has("from")) server.pause();
    else server.resume();
  }

  /** Of an end nobody hears while the wire is cut. */
  #ended(pair: { client: Socket; server: Socket }): void {
    if (this.#cut.size > 0 && !(pair.client.destroyed && pair.server.destroyed)) return;
    this.#pairs.delete(pair);
    end(pair);
  }
}

/** No `pipe`: it would resume by itself. */
function forward(from: Socket, to: Socket): void {
  from.on("data", (bytes) => void to.write(bytes));
  from.on("end", () => to.end());
}

function end({ client, server }: { client: Socket; server: Socket }): void {
  client.destroy();
  server.destroy();
}
