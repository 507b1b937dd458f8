import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { Fault } from "../fault.js";

const connectionsMax = 32;
const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** A port that is taken now may be free later. */
const againAfterMs = 10_000;

/** `GET /metrics` over HTTP, for whoever reaches the address. Nothing is computed while nobody asks, and once for all that ask together. */
export class MetricsEndpoint {
  private readonly server: Server;
  private readonly place: { host: string; port: number };
  private scraping: Promise<string> | undefined;
  private retrying: NodeJS.Timeout | undefined;

  /** Throws a Fault when the address is none. */
  constructor(
    address: string,
    private readonly scrape: () => Promise<string>,
    private readonly log: Logger,
  ) {
    this.place = placeOf(address);
    this.server = createServer(({ method = "", url = "" }, response) => void this.answer(method, url, response));
    this.server.maxConnections = connectionsMax;
    this.server.requestTimeout = 10_000;
  }

  /** Never rejects: jobs don't depend on being watched, so an address that can't be had is told, and tried again. */
  async listen(): Promise<void> {
    const { server, place, log } = this;
    try {
      server.listen(place.port, place.host);
      await once(server, "listening");
      server.on("error", (error) => log.error({ err: error }, "the server of metrics failed"));
      log.info({ address: this.address }, "metrics are at /metrics");
    } catch (error) {
      if (this.retrying === undefined) log.error({ err: error }, "there are no metrics: --metrics-listen can't be had");
      this.retrying = setTimeout(() => void this.listen(), againAfterMs).unref();
    }
  }

  /** `host:port`, with the port that was chosen when 0 was asked for; undefined while it is not had. */
  get address(): string | undefined {
    const found = this.server.address() as AddressInfo | null;
    return found ? `${found.family === "IPv6" ? `[${found.address}]` : found.address}:${found.port}` : undefined;
  }

  close(): void {
    clearTimeout(this.retrying);
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Never rejects. */
  private async answer(method: string, url: string, response: ServerResponse): Promise<void> {
    if (url.replace(/\?.*$/s, "") !== "/metrics") return tell(response, 404, "metrics are at /metrics");
    if (method !== "GET" && method !== "HEAD") return tell(response, 405, "metrics can only be read");
    try {
      this.scraping ??= this.scrape().finally(() => {
        this.scraping = undefined;
      });
      const text = await this.scraping;
      const headers = { "Content-Type": contentType, "Content-Length": Buffer.byteLength(text) };
      response.writeHead(200, headers).end(method === "HEAD" ? undefined : text);
    } catch (error) {
      this.log.error({ err: error }, "metrics could not be collected");
      tell(response, 500, "the metrics could not be collected; the log says why");
    }
  }
}

function tell(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

function placeOf(address: string): { host: string; port: number } {
  const [, host = "", port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(address) ?? [];
  if (host === "" || Number(port) > 65_535) {
    throw new Fault("invalid-argument", `--metrics-listen: "${address}" is not HOST:PORT, such as 0.0.0.0:9741`);
  }
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
