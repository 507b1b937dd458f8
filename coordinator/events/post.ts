import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { rootCertificates, connect as tlsConnect } from "node:tls";
import { guardedLookup, refuseOwnHost } from "./addresses.js";

export interface Post {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** May go to the coordinator's own machine. */
  readonly local: boolean;
  /** An HTTP proxy that everything goes by. */
  readonly proxy?: URL;
  /** PEM, trusted beside those that Node knows. */
  readonly ca?: string;
  /** For all of it. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  /** Its beginning. */
  readonly text: string;
  /** How long the receiver wants to be left alone. */
  readonly retryAfterMs: number;
}

const answerMax = 4 * 1024;
const redirectsMax = 3;
const retryAfterMostMs = 3_600_000;

/** Resolves with whatever was answered, redirects to the same host followed; rejects when nothing was. */
export async function post(order: Post): Promise<Answer> {
  const signal = AbortSignal.timeout(order.timeoutMs);
  let url = order.url;
  for (let hop = 0; ; hop += 1) {
    if (!order.local) refuseOwnHost(url.hostname);
    const answer = await once({ ...order, url }, signal);
    const to = answer.headers.location;
    const status = answer.statusCode ?? 0;
    if (to === undefined || status < 300 || status > 399) return taken(answer, signal);
    answer.resume();
    const next = new URL(to, url);
    const same = next.hostname === url.hostname && next.protocol === url.protocol;
    if (!same || (status !== 307 && status !== 308) || hop === redirectsMax) {
      throw new Error(`it answers ${status} and redirects to ${next.origin}: subscribe the address where it really is`);
    }
    url = next;
  }
}

async function once(order: Post, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, proxy } = order;
  const secure = url.protocol === "https:";
  const options: RequestOptions = {
    method: "POST",
    headers: { ...order.headers, "content-length": String(Buffer.byteLength(order.body)), connection: "close" },
    agent: false,
    signal,
  };
  const ca = order.ca === undefined ? {} : { ca: [...rootCertificates, order.ca] };
  let request: ClientRequest;
  if (!proxy) {
    const guard = order.local ? {} : { lookup: guardedLookup };
    request = secure ? httpsRequest(url, { ...options, ...guard, ...ca }) : httpRequest(url, { ...options, ...guard });
  } else if (secure) {
    const socket = await tunnel(proxy, url, signal);
    const servername = url.hostname.replace(/^\[(.*)\]$/, "$1");
    request = httpsRequest(url, { ...options, createConnection: () => tlsConnect({ socket, servername, ...ca }) });
  } else {
    const headers = { ...options.headers, host: url.host, ...credentialsOf(proxy) };
    request = httpRequest(proxy, { ...options, headers, path: url.href });
  }
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", (error) => reject(asTimeout(error, signal)));
    request.end(order.body);
  });
}

/** A way through the proxy to the receiver's TLS. */
function tunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`;
  const headers = { host: path, ...credentialsOf(proxy) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(proxy, { method: "CONNECT", path, headers, agent: false, signal });
    request.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) resolve(socket as Socket);
      else {
        socket.destroy();
        reject(new Error(`the proxy ${proxy.host} answers ${statusCode} to CONNECT ${path}`));
      }
    });
    request.once("response", (answer) => {
      answer.resume();
      reject(new Error(`the proxy ${proxy.host} answers ${answer.statusCode} to CONNECT ${path}`));
    });
    request.once("error", (error) => reject(asTimeout(error, signal)));
    request.end();
  });
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

const asTimeout = (error: Error, signal: AbortSignal) =>
  signal.aborted ? new Error("it did not answer in time") : error;

async function taken(answer: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  let text = "";
  answer.setEncoding("utf8");
  try {
    for await (const piece of answer) {
      text += String(piece);
      if (text.length >= answerMax) break;
    }
  } catch (error) {
    throw asTimeout(error instanceof Error ? error : new Error(String(error)), signal);
  }
  answer.destroy();
  const status = answer.statusCode ?? 0;
  return { status, text: text.slice(0, answerMax), retryAfterMs: retryAfterOf(answer.headers["retry-after"]) };
}

function retryAfterOf(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), retryAfterMostMs) : 0;
}
