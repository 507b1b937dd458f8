import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, it } from "vitest";
import type { Announcement } from "../core/announcements/announcement.js";
import type { WebhookTarget } from "../core/announcements/subscription.js";
import { isOwnAddress } from "./addresses.js";
import { admitUrl } from "./admit-url.js";
import { sendWebhook, type WebhookSettings } from "./webhook.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function receiver(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => {
      body += piece.toString();
    });
    request.on("end", () => answer(request, response, body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const event: Announcement = {
  id: "job-failed.1",
  kind: "job-failed",
  at: Date.UTC(2026, 0, 31, 8),
  subject: "workspaces/w/experiments/e/jobs/j",
  message: 'job j has failed: <exit> "3" & more',
  scope: {},
  data: { job: "j", exitCode: 3, reason: 'says "no"\nand ${kind}' },
};
const target = (url: string, more: Partial<WebhookTarget> = {}): WebhookTarget => ({
  ...{ kind: "webhook", url, format: "cloudevents", local: true },
  ...more,
});
const settings: WebhookSettings = { hosts: [], timeoutMs: 5_000 };
const open = (key: string) => (key === "w key" ? "s3cret" : "");
const send = (to: WebhookTarget, more: Partial<WebhookSettings> = {}, missed = 0) =>
  sendWebhook({ target: to, event, missed }, { ...settings, ...more }, "stoker://lab", open);

it("an event is a CloudEvent, signed over its time and bytes", async () => {
  let got: { headers: IncomingMessage["headers"]; body: string } | undefined;
  const url = await receiver(({ headers }, response, body) => {
    got = { headers, body };
    response.end("thanks\n");
  });
  expect(await send(target(`${url}/hook`, { secret: "w key" }), {}, 2)).toMatch(/answered 200: thanks$/);
  expect(JSON.parse(got?.body ?? "")).toEqual({
    ...{ specversion: "1.0", id: "job-failed.1", source: "stoker://lab", type: "stoker.job-failed" },
    ...{ subject: event.subject, time: "2026-01-31T08:00:00.000Z", datacontenttype: "application/json" },
    severity: "error",
    data: { message: event.message, ...event.data, missed: 2 },
  });
  expect(got?.headers).toMatchObject({
    "content-type": "application/cloudevents+json; charset=utf-8",
    "stoker-event-id": "job-failed.1",
  });
  const [, seconds = "", mac = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(got?.headers["stoker-signature"])) ?? [];
  expect(createHmac("sha256", "s3cret").update(`${seconds}.${got?.body}`).digest("hex")).toBe(mac);
});

it("Slack, Teams, plain JSON and a template have each their body", async () => {
  const bodies: unknown[] = [];
  const url = await receiver((_, response, body) => {
    bodies.push(/^[{[]/.test(body) ? JSON.parse(body) : body);
    response.end();
  });
  await send(target(url, { format: "slack" }));
  await send(target(url, { format: "teams" }));
  await send(target(url, { format: "json" }));
  await send(target(url, { format: "template", template: '{"a": {"b": "${kind}: ${reason}", "n": 1}}' }));
  await send(target(url, { format: "template", template: "${job} ended with ${exitCode}; $$" }));
  expect(bodies[0]).toEqual({ text: ':rotating_light: job j has failed: &lt;exit&gt; "3" &amp; more' });
  expect(bodies[1]).toMatchObject({
    type: "message",
    attachments: [{ content: { body: [{ text: event.message }, {}] } }],
  });
  expect(bodies[2]).toMatchObject({ kind: "job-failed", exitCode: 3, severity: "error", source: "stoker://lab" });
  expect(bodies[3]).toEqual({ a: { b: 'job-failed: says "no"\nand ${kind}', n: 1 } });
  expect(bodies[4]).toBe("j ended with 3; $");
});

it("what is not taken is told with its reason, and asks for the pause that the receiver wants", async () => {
  const url = await receiver(({ url: path }, response) => {
    if (path === "/slow") return;
    response.writeHead(503, { "retry-after": "120" }).end("come\nback later");
  });
  await expect(send(target(`${url}/busy`))).rejects.toMatchObject({
    name: "Undelivered",
    message: expect.stringMatching(/answered 503: come back later$/),
    retryAfterMs: 120_000,
  });
  await expect(send(target(`${url}/slow`), { timeoutMs: 100 })).rejects.toThrow("it did not answer in time");
  await expect(send(target("http://127.0.0.1:1/"))).rejects.toThrow(/ECONNREFUSED/);
});

it("redirects lead to the same host alone, and an endless answer is not read to its end", async () => {
  const url = await receiver(({ url: path }, response) => {
    if (path === "/here") response.writeHead(307, { location: "/there" }).end();
    else if (path === "/away") response.writeHead(307, { location: "http://127.0.0.2:1/" }).end();
    else if (path === "/get") response.writeHead(302, { location: "/there" }).end();
    else if (path === "/endless") {
      const timer = setInterval(() => response.write("x".repeat(1000)), 1);
      response.on("close", () => clearInterval(timer));
    } else response.end("arrived");
  });
  expect(await send(target(`${url}/here`))).toMatch(/arrived$/);
  await expect(send(target(`${url}/away`))).rejects.toThrow(/answers 307 and redirects to http:\/\/127\.0\.0\.2:1/);
  await expect(send(target(`${url}/get`))).rejects.toThrow(/answers 302/);
  expect(await send(target(`${url}/endless`))).toMatch(/answered 200: x+$/);
});

it("who may not reach the coordinator's own machine does not, by whatever name", async () => {
  let calls = 0;
  const url = await receiver((_, response) => {
    calls += 1;
    response.end();
  });
  const { port } = new URL(url);
  for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "ip6-localhost"]) {
    await expect(send(target(`http://${host}:${port}/`, { local: false })), host).rejects.toThrow();
  }
  expect(calls).toBe(0);
  await send(target(url, { local: false }), { hosts: ["127.0.0.1"] });
  expect(calls).toBe(1);
  await expect(send(target(url), { hosts: ["*.lab.example"] })).rejects.toThrow(/none of the hosts/);
  for (const address of ["169.254.169.254", "0.0.0.0", "fe80::1", "::", "64:ff9b::7f00:1"]) {
    expect(isOwnAddress(address), address).toBe(true);
  }
  for (const address of ["10.0.0.1", "192.168.1.1", "2001:db8::1"]) expect(isOwnAddress(address), address).toBe(false);
  expect(() => admitUrl("http://169.254.169.254/latest", false, [])).toThrow(/own machine or link/);
  expect(() => admitUrl("ftp://x/", true, [])).toThrow(/no http\(s\) URL/);
  expect(() => admitUrl("https://a:b@x/", true, [])).toThrow(/user or password/);
  admitUrl("name-of-a-secret", false, []);
});

it("a proxy is gone by, with its credentials: as such for http, by a tunnel for https", async () => {
  const asked: string[] = [];
  const proxy = await receiver((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    response.end("by proxy");
  });
  servers[0]?.on("connect", (request: IncomingMessage, socket: Duplex) => {
    asked.push(`${request.method} ${request.url}`);
    socket.end("HTTP/1.1 403 no\r\n\r\n");
  });
  const by = new URL(proxy.replace("http://", "http://u:p@"));
  expect(await send(target("http://hooks.invalid/x", { local: false }), { proxy: by })).toMatch(/by proxy$/);
  await expect(send(target("https://hooks.invalid/x", { local: false }), { proxy: by })).rejects.toThrow(
    /403 to CONNECT/,
  );
  expect(asked).toEqual(["POST http://hooks.invalid/x Basic dTpw", "CONNECT hooks.invalid:443"]);
});

it("a URL may be a secret's value, and is not told when it is none", async () => {
  const url = await receiver((_, response) => response.end("ok"));
  const { url: _, ...bare } = target("");
  const from = (key: string) => (key === "w url" ? `${url}/T0/B0/x` : "not a url");
  const parcel = (urlSecret: string) => ({ target: { ...bare, urlSecret }, event, missed: 0 });
  expect(await sendWebhook(parcel("w url"), settings, "lab", from)).toMatch(/answered 200/);
  await expect(sendWebhook(parcel("w other"), settings, "lab", from)).rejects.toThrow("its address is no http(s) URL");
});
