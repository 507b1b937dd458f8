import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as dialTls } from "node:tls";
import { connect as connectNats, nkeyAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityFile, validityOf } from "../../agent/identity/identity-file.js";
import { joinMachine } from "../../agent/join-machine.js";
import { localProfile } from "../../cli/local-profile.js";
import { Authority } from "../../coordinator/pki/authority.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { newKey, requestFor } from "../../shared/certificate-request.js";
import { type Credential, plain, trusting } from "../../shared/credentials.js";
import { AgentService } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { JoinService } from "../../shared/gen/stoker/v1/join_service_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";
import { joinTokenText, parseJoinToken } from "../../shared/join-token.js";
import { natsTls } from "../../shared/nats-tls.js";
import { logSubject } from "../../shared/subjects.js";
import { FakeAgent } from "../fakes/agent.js";

const patienceMs = 60_000;
const natsKey = `U${"A".repeat(55)}`;

let folder: string;
let site: LocalSite;
const connections: Connection[] = [];
const agents: FakeAgent[] = [];

const as = (credential: Credential) => {
  const connection = connect(site.address, credential, { apart: true });
  connections.push(connection);
  return connection;
};
const speaks = (credential: Credential) => {
  const agent = new FakeAgent(site.address, credential);
  agents.push(agent);
  return agent;
};
const identityOf = (node: string) => new IdentityFile(site.agentFolder(node));
const authority = () => readFileSync(join(site.coordinatorFolder, "pki", "ca.pem"), "utf8");

async function newToken(...words: string[]): Promise<string> {
  return JSON.parse(await site.stoker(["node", "token", "create", "-o", "json", ...words])).token as string;
}

/** A machine that nobody wants: it has joined, and says what a test tells it to say. */
async function joined(node: string, token?: string): Promise<IdentityFile> {
  const file = new IdentityFile(join(folder, `rogue-${node}`));
  await joinMachine(file, { coordinator: site.address, token: token ?? (await newToken()), node });
  return file;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-identity-"));
  const coordinatorFlags = ["--lease-ttl-ms", "3000", "--lease-margin-ms", "1000", "--heartbeat-interval-ms", "500"];
  coordinatorFlags.push("--node-certificate-life", "PT24S");
  const agentFlags = ["--cpus", "1", "--witness-port", "0"];
  site = await LocalSite.start({ folder, nodes: ["n1"], coordinatorFlags, agentFlags });
  await site.stoker(["workspace", "create", "-n", "w"]);
  await site.stoker(["experiment", "create", "-n", "e", "-w", "w"]);
  const cluster = { properties: { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 2 } } } };
  writeFileSync(join(folder, "cluster.json"), JSON.stringify(cluster));
  await site.stoker(["cluster", "create", "-n", "c", "-w", "w", "-f", join(folder, "cluster.json")]);
  const commandLine = `echo $$ >> ${folder}/pids; until [ -e ${folder}/end ]; do sleep 0.05; done; echo ended`;
  writeFileSync(join(folder, "job.json"), JSON.stringify({ nodeCount: 1, customToolkitSettings: { commandLine } }));
  await site.stoker(["job", "create", "-w", "w", "-e", "e", "-n", "j", "-c", "c", "-f", join(folder, "job.json")]);
  await until("the job's process", () => (pids().length > 0 ? true : undefined), patienceMs);
}, 120_000);
afterAll(async () => {
  for (const agent of agents) agent.close();
  for (const connection of connections) connection.close();
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const pids = () =>
  existsSync(join(folder, "pids")) ? readFileSync(join(folder, "pids"), "utf8").trim().split("\n").map(Number) : [];
const job = async () => {
  const id = "workspaces/w/experiments/e/jobs/j";
  return (await as(site.credential).client(JobService).getJob({ id })).job;
};

describe("the first start", { timeout: 60_000 }, () => {
  it("leaves the administrator a profile, and the line to run on each machine", async () => {
    const config = await localProfile(join(site.coordinatorFolder, "administrator"));
    expect(config).toMatchObject({ coordinator: site.address, tokenFile: site.tokenPath });
    const line = readFileSync(join(site.coordinatorFolder, "administrator", "join-line"), "utf8");
    const [, address, token = ""] = /^stoker-agent join (\S+) (\S+)\n$/.exec(line) ?? [];
    expect(address).toBe(site.address);
    await joined("x0", token);
    const log = readFileSync(join(folder, "logs", "coordinator.log"), "utf8");
    expect(log).not.toContain(token);
    const told = JSON.parse(
      await site.stoker(["audit", "list", "--verb", "CreateJoinToken", "-o", "json"]),
    ) as unknown[];
    const [first] = told as Array<Record<string, string>>;
    expect(first).toMatchObject({ credential: "the first start", outcome: "ok" });
    expect(first?.summary).toContain(parseJoinToken(token).id);
  });
});

describe("a token to join", { timeout: 60_000 }, () => {
  it("of another coordinator is not given to this one", async () => {
    const parts = parseJoinToken(await newToken());
    const wrong = joinTokenText({ ...parts, pin: Buffer.alloc(32, 7) });
    const file = new IdentityFile(join(folder, "nobody"));
    await expect(joinMachine(file, { coordinator: site.address, token: wrong, node: "x" })).rejects.toThrow(
      /is not the coordinator that made the token/,
    );
    expect(file.read()).toBeUndefined();
    // It was not used up.
    await joined("x1", joinTokenText(parts));
  });

  it("is good once, not after it was revoked, and not in part", async () => {
    const once = await newToken();
    await joined("x2", once);
    const told = JSON.parse(await site.stoker(["audit", "list", "--target", "nodes/x2", "-o", "json"])) as unknown[];
    const credential = `joining token ${parseJoinToken(once).id}`;
    expect(told).toMatchObject([{ verb: "JoinService.Join", credential, outcome: "ok" }]);
    await expect(joined("x3", once)).rejects.toMatchObject({ code: "unauthenticated" });
    const revoked = await newToken();
    await site.stoker(["node", "token", "revoke", parseJoinToken(revoked).id]);
    await expect(joined("x3", revoked)).rejects.toThrow(/was revoked/);
    await expect(joined("x3", once.slice(0, -4))).rejects.toThrow(/not the whole of one/);
    const listed = JSON.parse(await site.stoker(["node", "token", "list", "-o", "json"])) as Array<{ nodes: string[] }>;
    expect(listed.flatMap(({ nodes }) => nodes).sort()).toEqual(["n1", "x0", "x1", "x2"]);
    expect(await site.stoker(["node", "token", "list", "-o", "json"])).not.toContain(once);
  });

  it("does not give a certificate of another name, or a name that somebody has", async () => {
    const client = as(trusting({ authority: authority() })).client(JoinService);
    const token = await newToken();
    const certificateRequest = await requestFor("n1", newKey());
    await expect(client.join({ token, nodeName: "x4", certificateRequest, natsKey })).rejects.toMatchObject({
      code: "permission-denied",
    });
    await expect(client.join({ token, nodeName: "n1", certificateRequest, natsKey })).rejects.toMatchObject({
      code: "already-exists",
    });
    // A line of the configuration of NATS, if it were taken as it is.
    const odd = {
      token,
      nodeName: "x4",
      certificateRequest: await requestFor("x4", newKey()),
      natsKey: "U }\n{ nkey: UB",
    };
    await expect(client.join(odd)).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("a node's certificate", { timeout: 60_000 }, () => {
  it("does what agents do, for its own node alone", async () => {
    const rogue = (await joined("r1")).credential();
    await expect(as(rogue).client(NodeService).listNodes({})).rejects.toMatchObject({ code: "permission-denied" });
    await expect(as(rogue).client(JoinService).createJoinToken({})).rejects.toMatchObject({
      code: "permission-denied",
    });
    const token = await newToken();
    const other = { token, nodeName: "r2", certificateRequest: await requestFor("r2", newKey()), natsKey };
    await expect(as(rogue).client(JoinService).join(other)).rejects.toMatchObject({ code: "permission-denied" });
    const liar = speaks(rogue);
    liar.hello("n1");
    await until("it is refused", () => liar.ended, patienceMs);
    expect(liar.ended).toMatch(/the certificate is node r1's, and the hello is of "n1"/);
    const relay = as(rogue).client(AgentService).relay();
    relay.push({ message: { case: "hello", value: { relayId: "x", nodeName: "n1" } } });
    await expect(relay.responses[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("has no say about an attempt of another node", async () => {
    const rogue = speaks((await joined("r3")).credential());
    rogue.hello("r3");
    await rogue.hears("welcome");
    const leaseId = `${(await job())?.uuid}.1`;
    rogue.send({ case: "report", value: { leaseId, sequence: 99n, event: { case: "done", value: {} } } });
    rogue.send({
      case: "report",
      value: { leaseId, sequence: 100n, event: { case: "rankExited", value: { rank: 0, exitCode: 1 } } },
    });
    rogue.send({ case: "heartbeat", value: { sequence: 1n, leases: [{ leaseId }] } });
    expect((await rogue.hears("heartbeatReply")).renewedLeaseIds).toEqual([]);
    rogue.send({
      case: "remoteStart",
      value: { requestId: "q", leaseId, target: "n1", commandLine: "touch /tmp/taken" },
    });
    expect((await rogue.hears("remoteExit")).error).toMatch(/does not run on r3/);
    expect(await job()).toMatchObject({ attempt: 1 });
    expect(process.kill(pids()[0] ?? 0, 0)).toBe(true);
  });

  it("is renewed before it is over, while a job runs, without a new session", async () => {
    const before = identityOf("n1").read()?.certificate ?? "";
    const sessions = () =>
      readFileSync(join(folder, "logs", "n1.log"), "utf8").split("connected to the coordinator").length;
    const had = sessions();
    const after = await until(
      "a new certificate",
      () => {
        const now = identityOf("n1").read()?.certificate ?? "";
        return now === before ? undefined : now;
      },
      patienceMs,
    );
    expect(validityOf(after).to).toBeGreaterThan(validityOf(before).to);
    expect(sessions()).toBe(had);
    expect(await job()).toMatchObject({ attempt: 1 });
  });
});

describe("NATS", { timeout: 60_000 }, () => {
  const nats = () => {
    const [, port = ""] =
      /^port: (\d+)$/m.exec(readFileSync(join(site.coordinatorFolder, "nats", "nats.conf"), "utf8")) ?? [];
    return { servers: `127.0.0.1:${port}`, maxReconnectAttempts: 0, reconnect: false, timeout: 10_000 };
  };
  const byKey = ({ natsSeed }: { natsSeed: string }) =>
    connectNats({ ...nats(), tls: natsTls(authority()), authenticator: nkeyAuthenticator(Buffer.from(natsSeed)) });

  it("takes a node's own logs, and lets it hear and say nothing else", async () => {
    const rogue = (await joined("r4")).read();
    if (!rogue) throw new Error("it has joined");
    const refused: string[] = [];
    const connection = await byKey(rogue);
    const told = async () => {
      for await (const status of connection.status()) if (status.type === "error") refused.push(status.error.message);
    };
    void told();
    const lease = `${(await job())?.uuid}.1`;
    connection.publish(logSubject("r4", lease, 0, "stdout"), "mine");
    await connection.flush();
    expect(refused).toEqual([]);
    connection.publish(logSubject("n1", lease, 0, "stdout"), "forged");
    connection.publish("$JS.API.STREAM.DELETE.STOKER_LOGS", "");
    connection.subscribe("stoker.logs.>", { callback: () => undefined });
    await connection.flush();
    await until("all are refused", () => (refused.length >= 3 ? true : undefined), patienceMs);
    expect(refused.every((text) => /permissions violation/i.test(text))).toBe(true);
    // Nor has it NATS say anything with rights of its own: by the answer, which comes on the subject that is named for it.
    const own = await byKey({ natsSeed: readFileSync(join(site.coordinatorFolder, "nats", "seed"), "utf8").trim() });
    const heard: string[] = [];
    own.subscribe(">", { callback: (_, { subject }) => void heard.push(subject) });
    await own.flush();
    const forged = [logSubject("n1", lease, 0, "stdout"), "$JS.API.STREAM.PURGE.STOKER_LOGS", "stoker.jobs.forged"];
    for (const reply of forged) connection.publish(logSubject("r4", lease, 0, "stdout"), "x", { reply });
    await connection.flush();
    const taken = () => heard.filter((subject) => subject.startsWith("$JS.ACK.")).length >= forged.length;
    await until("all of them are taken", () => (taken() ? true : undefined), patienceMs);
    expect(heard.filter((subject) => forged.includes(subject))).toEqual([]);
    for (const each of [connection, own]) await each.close();
  });

  it("lets in nobody else: without a key, with the users' token, without TLS, or by an earlier one than 1.3", async () => {
    const token = readFileSync(site.tokenPath, "utf8").trim();
    const tls = natsTls(authority());
    await expect(connectNats({ ...nats(), tls })).rejects.toThrow(/authorization/i);
    await expect(connectNats({ ...nats(), tls, token })).rejects.toThrow(/authorization/i);
    // A user's certificate is nobody there.
    await site.stoker(["user", "create", "ada"]);
    await site.stoker(["certificate", "create", "ada", "-u", "ada", "--folder", folder]);
    const pem = readFileSync(join(folder, "ada.pem"), "utf8");
    await expect(connectNats({ ...nats(), tls: { ...tls, cert: pem, key: pem } })).rejects.toThrow(/authorization/i);
    const told = await new Promise<string>((resolve) => {
      const [host, port] = nats().servers.split(":");
      const socket = dial(Number(port), host);
      const over = (words: string) => {
        socket.destroy();
        resolve(words);
      };
      socket.once("data", () => {
        const before = dialTls({ socket, rejectUnauthorized: false, maxVersion: "TLSv1.2" }, () =>
          over("it is let in"),
        );
        before.once("error", ({ message }) => over(message));
      });
    });
    expect(told).toMatch(/handshake failure|protocol version/);
    const seed = identityOf("n1").read()?.natsSeed ?? "";
    await expect(
      connectNats({ ...nats(), tls: null, authenticator: nkeyAuthenticator(Buffer.from(seed)) }),
    ).rejects.toThrow();
  });

  it("refuses a stolen key of a node that was removed, as the coordinator does, and its ranks end", async () => {
    mkdirSync(join(folder, "stolen"));
    cpSync(join(site.agentFolder("n1"), "identity"), join(folder, "stolen", "identity"), { recursive: true });
    const stolen = new IdentityFile(join(folder, "stolen"));
    const key = stolen.read();
    if (!key) throw new Error("there is a key to steal");
    // Whose time is not over, however long this takes.
    const pki = (name: string) => readFileSync(join(site.coordinatorFolder, "pki", name), "utf8");
    const life = { now: Date.now(), lifeMs: 3_600_000 };
    const request = await requestFor("n1", key.key);
    stolen.renewed((await Authority.from(pki("ca.pem"), pki("ca.key")).forNode("n1", request, life)).certificate);
    const [rank = 0] = pids();
    site.startAgent("n2");
    await site.stoker(["node", "remove", "n1", "-y", "--no-wait"]);
    const thief = speaks(stolen.credential());
    thief.hello("n1");
    await until("it is refused", () => thief.ended, patienceMs);
    expect(thief.ended).toMatch(/node n1 was removed/);
    await expect(byKey(key)).rejects.toThrow(/authorization/i);
    await expect(
      as(plain()).client(AgentService).session().responses[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({
      code: "unauthenticated",
    });
    await until("the rank is gone", () => !existsSync(`/proc/${rank}`) || undefined, patienceMs);
    const log = () => readFileSync(join(folder, "logs", "n1.log"), "utf8");
    await until("the agent says why", () => /node n1 was removed at/.test(log()) || undefined, patienceMs);
    await until("the job runs elsewhere", () => (pids().length === 2 ? true : undefined), patienceMs);
    expect((await job())?.attempts.map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([["n1"], ["n2"]]);
    await site.stopCoordinator();
    await site.startCoordinator();
    const again = speaks(stolen.credential());
    again.hello("n1");
    await until("it is refused after a restart, too", () => again.ended, patienceMs);
    expect(again.ended).toMatch(/node n1 was removed/);
    writeFileSync(join(folder, "end"), "");
    expect(await site.run(["job", "wait", "-w", "w", "-e", "e", "-n", "j"])).toMatchObject({ code: 0 });
  });
});
