import { randomBytes, randomUUID, X509Certificate } from "node:crypto";
import { connect as connectHttp } from "node:http2";
import { connect as dial } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DescService } from "@bufbuild/protobuf";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { CallerAccess, tokenAccess } from "../../coordinator/api/caller.js";
import { ApiServer } from "../../coordinator/api/server.js";
import { Authority, keyHashOf } from "../../coordinator/pki/authority.js";
import { Identities } from "../../coordinator/pki/identities.js";
import { newKey, requestFor } from "../../shared/certificate-request.js";
import { bearer, type Credential, plain, trusting } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { AgentService } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { type CallContext, connect, type Handlers } from "../../shared/grpc.js";
import { PerTurn } from "../fakes/per-turn.js";
import { until } from "../fakes/until.js";

const dayMs = 86_400_000;
vi.setConfig({ testTimeout: 30_000 });
const closers: Array<() => unknown> = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

let authority: Authority;
let server: { certificate: string; keyPem: string };
beforeAll(async () => {
  ({ authority } = await Authority.make(Date.now()));
  server = await authority.forServer(["127.0.0.1"], Date.now());
});

interface Node {
  name: string;
  key: string;
  certificate: string;
  keyHash: string;
}

async function makeNode(name: string, by = authority, lifeMs = dayMs, now = Date.now()): Promise<Node> {
  const key = newKey();
  return { name, key, ...(await by.forNode(name, await requestFor(name, key), { now, lifeMs })) };
}

const credentialOf = ({ certificate, key }: Node, by = authority): Credential =>
  trusting({ authority: by.certificate, certificate, key });

function refusing<S extends DescService>(service: S): Handlers<S> {
  const refuse = () => {
    throw new Fault("failed-precondition", "not in this test");
  };
  return Object.fromEntries(service.methods.map(({ localName }) => [localName, refuse])) as unknown as Handlers<S>;
}

async function serve(known: readonly Node[], kind: "on" | "both" = "on") {
  const identities = new Map(
    known.map(({ name, keyHash }) => [name, { name, keyHash, natsKey: "", joinedAt: 1, token: "t" }] as const),
  );
  const host = new Identities({ pki: undefined, identities: () => identities, now: () => Date.now(), lifeMs: dayMs });
  const contexts: CallContext[] = [];
  const api = new ApiServer({
    access: new CallerAccess(
      host,
      tokenAccess("t"),
      kind === "both"
        ? ({ metadata }) =>
            void tokenAccess("t").identify({ metadata, connection: { peer: "", isEncrypted: false }, path: "" })
        : undefined,
    ),
    encryption: {
      kind,
      keyHashOf,
      materials: () => ({ cert: server.certificate, key: server.keyPem, ca: authority.certificate }),
    },
    report: (error) => expect.unreachable(String(error)),
  });
  const seen: { by(): void } = { by: () => undefined };
  const getJob = (_: unknown, context: CallContext) => {
    contexts.push(context);
    seen.by();
    return {};
  };
  api.add(JobService, { ...refusing(JobService), getJob });
  api.add(AgentService, {
    ...refusing(AgentService),
    session: async (stream, context) => {
      contexts.push(context);
      for await (const _ of stream.requests) stream.push({ message: { case: "startRanks", value: { leaseId: "x" } } });
    },
  });
  const port = await api.listen("127.0.0.1:0");
  closers.push(() => api.close(0));
  const to = (credential: Credential) => {
    const connection = connect(`127.0.0.1:${port}`, credential, { apart: true });
    closers.push(() => connection.close());
    return connection;
  };
  const whenSeen = (by: () => void) => {
    seen.by = by;
  };
  return { api, host, identities, contexts, port, to, whenSeen };
}

type Site = Awaited<ReturnType<typeof serve>>;
const getJob = ({ to }: Site, credential: Credential) =>
  to(credential).client(JobService).getJob({ id: randomUUID() }, { timeoutMs: 10_000 });
const session = async ({ to }: Site, credential: Credential) => {
  const stream = to(credential).client(AgentService).session();
  stream.push({ message: { case: "heartbeat", value: {} } });
  const answers = stream.responses[Symbol.asyncIterator]();
  await answers.next();
  return { stream, next: () => answers.next() };
};
const user = (by = authority) => trusting({ authority: by.certificate }, bearer("t"));

it("knows a user by the token and a node by its certificate, and each may do its own", async () => {
  const m1 = await makeNode("m1");
  const site = await serve([m1]);
  await getJob(site, user());
  await session(site, credentialOf(m1));
  expect(site.contexts.map(({ caller }) => caller)).toEqual([
    { kind: "user", name: "administrator" },
    { kind: "node", node: "m1" },
  ]);
  await expect(getJob(site, credentialOf(m1))).rejects.toMatchObject({ code: "permission-denied" });
  // With the token besides, too: a node is a node.
  const both = { ...credentialOf(m1), metadata: bearer("t") };
  await expect(getJob(site, both)).rejects.toMatchObject({ code: "permission-denied" });
  await expect(session(site, user())).rejects.toMatchObject({ code: "unauthenticated" });
});

it("lets in no certificate of another authority, of a key that is not known, or of a time that is over", async () => {
  const { authority: strangers } = await Authority.make(Date.now());
  const m1 = await makeNode("m1");
  const site = await serve([m1]);
  const refused = async (node: Node, why: RegExp) => {
    const failure = await session(site, credentialOf(node)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unauthenticated", message: expect.stringMatching(why) });
  };
  await refused(await makeNode("m1", strangers), /not of this coordinator's authority/);
  await refused(await makeNode("m1"), /a key that this coordinator does not know/);
  await refused(await makeNode("m2"), /a key that this coordinator does not know/);
  const old = await authority.forNode("m1", await requestFor("m1", m1.key), {
    now: Date.now() - 3 * dayMs,
    lifeMs: dayMs,
  });
  await refused({ ...m1, ...old }, /has expired/);
});

it("nor one whose time is over by taking a session up again that began when it was not", async () => {
  const m1 = await makeNode("m1", authority, 1_000);
  const { port } = await serve([m1]);
  const { certificate: cert, key } = m1;
  const to = { port, host: "127.0.0.1", ca: authority.certificate, cert, key, ALPNProtocols: ["h2"] };
  const checkServerIdentity = () => undefined;
  const first = connectTls({ ...to, checkServerIdentity });
  closers.push(() => first.destroy());
  const ticket = await new Promise<Buffer>((resolve) => first.once("session", resolve));
  const endsAt = Date.parse(new X509Certificate(cert).validTo);
  await until("its time is over", () => Date.now() > endsAt);
  const again = connectTls({ ...to, checkServerIdentity, session: ticket });
  const said = await new Promise((resolve, reject) => {
    const connection = connectHttp(`https://127.0.0.1:${port}`, { createConnection: () => again });
    closers.push(() => connection.destroy());
    const headers = {
      ":method": "POST",
      ":path": "/stoker.v1.AgentService/Session",
      "content-type": "application/grpc",
    };
    const request = connection.request({ ...headers, te: "trailers" });
    request.on("response", (fields) => resolve(fields["grpc-message"]));
    for (const each of [connection, request]) each.on("error", reject);
  });
  expect(again.isSessionReused()).toBe(true);
  expect(decodeURIComponent(String(said))).toContain("the certificate of node m1 has expired");
});

it("is not taken for the coordinator when it is another, or one of the nodes", async () => {
  const { authority: strangers } = await Authority.make(Date.now());
  const site = await serve([]);
  await expect(getJob(site, user(strangers))).rejects.toMatchObject({ code: "unavailable" });
  const m1 = await makeNode("m1");
  const api = new ApiServer({
    access: tokenAccess("t"),
    encryption: {
      kind: "on",
      keyHashOf,
      materials: () => ({ cert: m1.certificate, key: m1.key, ca: authority.certificate }),
    },
    report: () => undefined,
  });
  const port = await api.listen("127.0.0.1:0");
  closers.push(() => api.close(0));
  await expect(
    getJob({ ...site, to: (credential) => connect(`127.0.0.1:${port}`, credential) }, user()),
  ).rejects.toMatchObject({ code: "unavailable" });
});

it("cuts a removed node off at once, and says so when it comes back", async () => {
  const m1 = await makeNode("m1");
  const m2 = await makeNode("m2");
  const site = await serve([m1, m2]);
  const [one, other] = [await session(site, credentialOf(m1)), await session(site, credentialOf(m2))];
  const known = site.identities.get("m1");
  if (known) site.identities.set("m1", { ...known, ...{ revokedAt: 5 } });
  site.api.cutOff(({ certificate }) => {
    try {
      site.host.nodeOf(certificate ?? { uris: [], keyHash: "", endsAt: 0 });
      return false;
    } catch {
      return true;
    }
  });
  await expect(one.next()).rejects.toMatchObject({ code: expect.any(String) });
  other.stream.push({ message: { case: "heartbeat", value: {} } });
  expect(await other.next()).toMatchObject({ done: false });
  await expect(session(site, credentialOf(m1))).rejects.toMatchObject({
    code: "permission-denied",
    message: expect.stringMatching(/m1 was removed/),
  });
});

it("speaks TLS 1.3 alone, and tells who doesn't", async () => {
  const site = await serve([]);
  const refused = new Promise<string>((resolve) => {
    const socket = connectTls(
      { port: site.port, host: "127.0.0.1", maxVersion: "TLSv1.2", rejectUnauthorized: false },
      () => resolve("spoken"),
    );
    socket.on("error", (error) => resolve(error.message));
  });
  expect(await refused).toMatch(/protocol version|alert|reset/i);
  await expect(getJob(site, plain(bearer("t")))).rejects.toMatchObject({
    code: "unauthenticated",
    message: expect.stringMatching(/speaks TLS alone/),
  });
});

it("lets agents without certificates in by the token while a site migrates, and nobody without it", async () => {
  const site = await serve([], "both");
  await session(site, plain(bearer("t")));
  expect(site.contexts.at(-1)?.caller).toEqual({ kind: "unproven-node" });
  await expect(session(site, plain(bearer("other")))).rejects.toMatchObject({ code: "unauthenticated" });
  await getJob(site, plain(bearer("t")));
  await getJob(site, user());
  // Whoever encrypts is known by a certificate or is no agent.
  await expect(session(site, user())).rejects.toMatchObject({ code: "unauthenticated" });
});

it("goes over to a new certificate without a connection that breaks", async () => {
  const site = await serve([]);
  const connection = site.to(user());
  await connection.client(JobService).getJob({ id: "x" });
  const before = server;
  closers.push(() => {
    server = before;
  });
  server = await authority.forServer(["127.0.0.1", "new.lab"], Date.now());
  site.api.certificateRenewed();
  await connection.client(JobService).getJob({ id: "x" });
  const names = await new Promise<string>((resolve) => {
    const socket = connectTls(
      { port: site.port, host: "127.0.0.1", ca: authority.certificate, ALPNProtocols: ["h2"] },
      () => {
        resolve(socket.getPeerCertificate().subjectaltname ?? "");
        socket.destroy();
      },
    );
  });
  expect(names).toContain("new.lab");
});

it("begins only some of many calls in one turn of the event loop, decrypted or not", async () => {
  const site = await serve([]);
  const begun = new PerTurn();
  site.whenSeen(() => begun.count());
  const jobs = site.to(user()).client(JobService);
  await Promise.all(Array.from({ length: 1_000 }, () => jobs.getJob({ id: "x" })));
  expect(begun.all).toBe(1_000);
  expect(begun.most).toBeLessThanOrEqual(128);
});

it("serves others whatever is sent to it, or not", async () => {
  const site = await serve([]);
  const sent = [
    Buffer.alloc(0),
    Buffer.from([0x16]),
    Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), randomBytes(70_000)]),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    randomBytes(10_000),
  ];
  for (let times = 0; times < 30; times += 1) {
    for (const bytes of sent) {
      const socket = dial(site.port, "127.0.0.1", () => socket.write(bytes));
      socket.on("error", () => undefined);
      closers.push(() => socket.destroy());
      if (times % 2 === 0) socket.once("connect", () => setTimeout(() => socket.destroy(), 50));
    }
  }
  await getJob(site, user());
});
