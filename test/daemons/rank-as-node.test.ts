import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { connect as connectNats, nkeyAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityFile } from "../../agent/identity/identity-file.js";
import { LocalSite } from "../../scripts/site/local-site.js";
import { RelayRequestSchema, SessionRequestSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { natsTls } from "../../shared/nats-tls.js";
import { writeAccountPrograms } from "../fakes/strangers-site.js";

/**
 * What a rank tries with nothing but what is on every machine: the files first, then the two doors of the coordinator, once with nothing to show
 * and once with rubbish.
 */
const attack = `
import { closeSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { connect as dialTls } from "node:tls";
import { connect as dialHttp } from "node:http2";
import { readFileSync } from "node:fs";

const { marks, paths, address, natsPort, calls } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const told = { uid: process.getuid(), files: {}, nats: [], calls: [] };

for (const path of paths) {
  for (const [how, open] of [["read", () => closeSync(openSync(path, "r"))], ["write", () => closeSync(openSync(path, "r+"))], ["list", () => readdirSync(path)]]) {
    try { open(); told.files[how + " " + path] = "done"; } catch (error) { if (how !== "list" || error.code !== "ENOTDIR") told.files[how + " " + path] = error.code; }
  }
}

const overNats = (options) => new Promise((resolve) => {
  const plain = dial(natsPort, "127.0.0.1");
  plain.once("data", (info) => {
    const { nonce } = JSON.parse(info.toString().slice(5));
    const secure = dialTls({ socket: plain, rejectUnauthorized: false }, () => {
      const words = { verbose: true, pedantic: false, tls_required: true, lang: "none", version: "0", protocol: 1, ...options(nonce) };
      secure.write("CONNECT " + JSON.stringify(words) + "\\r\\nSUB > 1\\r\\nPING\\r\\n");
    });
    let heard = "";
    secure.on("data", (bytes) => { heard += bytes; });
    secure.on("error", (error) => resolve(String(error)));
    secure.on("close", () => resolve(heard));
  });
});
const aKey = "U" + "A".repeat(55);
for (const options of [() => ({}), () => ({ user: "n1", pass: "x" }), () => ({ auth_token: process.env.STOKER_LEASE }), () => ({ nkey: aKey, sig: "AAAA" })]) told.nats.push(await overNats(options));

const call = (path, body, headers) => new Promise((resolve) => {
  const session = dialHttp("https://" + address, { rejectUnauthorized: false });
  session.on("error", (error) => resolve(String(error)));
  const request = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers });
  const status = (fields) => { if (fields["grpc-status"] !== undefined) { resolve(fields["grpc-status"]); session.destroy(); } };
  request.on("response", status).on("trailers", status).on("error", (error) => resolve(String(error)));
  request.on("data", (bytes) => resolve("answered " + bytes.length));
  const frame = Buffer.concat([Buffer.alloc(5), body]);
  frame.writeUInt32BE(body.length, 1);
  request.write(frame);
});
for (const { path, body } of calls) {
  for (const headers of [{}, { authorization: "Bearer rubbish" }, { authorization: "Bearer " + process.env.STOKER_PASS }]) told.calls.push(await call(path, Buffer.from(body, "base64"), headers));
}
writeFileSync(marks + "/told.json", JSON.stringify(told));
process.exit(0);
`;

interface Told {
  uid: number;
  files: Record<string, string>;
  nats: string[];
  calls: string[];
}

let folder: string;
let site: LocalSite;
let alice: number;

describe.skipIf(process.getuid?.() !== 0)("a rank that would be its node", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    // Not in /tmp, which is another for jobs: it is the agent's own modes that must hold.
    folder = mkdtempSync("/dev/shm/stoker-rank-as-node-");
    chmodSync(folder, 0o755);
    const programs = join(folder, "programs");
    ({ alice } = writeAccountPrograms(programs));
    mkdirSync(join(folder, "marks"));
    chmodSync(join(folder, "marks"), 0o1777);
    site = await LocalSite.start({
      folder,
      nodes: ["n1"],
      agentFlags: [
        ...["--cpus", "1", "--witness-port", "0", "--limits", "off", "--accounts", "coordinator-token=alice"],
        ...["--system-path", `${programs}:/usr/sbin:/usr/bin:/sbin:/bin`],
      ],
    });
    await site.stoker(["workspace", "create", "-n", "w"]);
    await site.stoker(["experiment", "create", "-n", "e", "-w", "w"]);
    const cluster = { vmSize: "any", scaleSettings: { manual: { targetNodeCount: 1 } } };
    writeFileSync(join(folder, "cluster.json"), JSON.stringify(cluster));
    await site.stoker(["cluster", "create", "-n", "c", "-w", "w", "-f", join(folder, "cluster.json")]);
  }, 60_000);
  afterAll(async () => {
    await site?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("reads none of the node's keys or of the coordinator's, and gets in nowhere without", async () => {
    const [agent, coordinator] = [site.agentFolder("n1"), site.coordinatorFolder];
    const identity = new IdentityFile(agent).read() ?? expect.fail("it has joined");
    const natsPort = Number(/^port: (\d+)$/m.exec(readFileSync(join(coordinator, "nats", "nats.conf"), "utf8"))?.[1]);
    const everything = (root: string) =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        // What ranks are to reach.
        .filter((path) => !path.startsWith(join(agent, "inside")));
    const paths = [agent, coordinator].flatMap(everything);
    const keys = [new IdentityFile(agent).path, site.tokenPath, join(coordinator, "pki", "ca.key")];
    expect(paths).toEqual(expect.arrayContaining(keys));
    const session = toBinary(
      SessionRequestSchema,
      create(SessionRequestSchema, { message: { case: "hello", value: { nodeName: "n1", address: "127.0.0.1" } } }),
    );
    const relay = toBinary(
      RelayRequestSchema,
      create(RelayRequestSchema, { message: { case: "hello", value: { relayId: "x", nodeName: "n1" } } }),
    );
    const calls = [
      ["Session", session],
      ["Relay", relay],
    ].map(([name, body]) => ({
      path: `/stoker.v1.AgentService/${name}`,
      body: Buffer.from(body ?? "").toString("base64"),
    }));
    const marks = join(folder, "marks");
    writeFileSync(join(folder, "plan.json"), JSON.stringify({ marks, paths, address: site.address, natsPort, calls }));
    writeFileSync(join(folder, "attack.mjs"), attack);
    const commandLine = `${process.execPath} ${folder}/attack.mjs ${folder}/plan.json > ${marks}/words 2>&1`;
    writeFileSync(join(folder, "job.json"), JSON.stringify({ nodeCount: 1, customToolkitSettings: { commandLine } }));
    const at = ["-w", "w", "-e", "e", "-n", "j"];
    await site.stoker(["job", "create", ...at, "-c", "c", "-f", join(folder, "job.json")]);
    const { code } = await site.run(["job", "wait", ...at]);
    const words = existsSync(join(marks, "words")) ? readFileSync(join(marks, "words"), "utf8") : "";
    const shown = code === 0 ? "" : await site.stoker(["job", "show", ...at]);
    expect({ code, words, shown }).toEqual({ code: 0, words: "", shown: "" });
    const told = JSON.parse(readFileSync(join(marks, "told.json"), "utf8")) as Told;

    expect(told.uid).toBe(alice);
    for (const key of keys)
      for (const how of ["read", "write"]) expect([key, told.files[`${how} ${key}`]]).toEqual([key, "EACCES"]);
    // Some of the others go while it tries.
    const gotten = Object.entries(told.files).filter(([, got]) => got !== "EACCES" && got !== "ENOENT");
    expect(gotten).toEqual([]);
    expect(told.nats).toHaveLength(4);
    for (const answer of told.nats) {
      expect(answer).toMatch(/-ERR 'Authorization Violation'/);
      expect(answer).not.toMatch(/\+OK|PONG/);
    }
    // gRPC's number of "unauthenticated".
    expect(told.calls).toEqual(Array.from({ length: 6 }, () => "16"));

    // The doors are there: the node itself gets in.
    const own = await connectNats({
      servers: `127.0.0.1:${natsPort}`,
      tls: natsTls(identity.authority),
      authenticator: nkeyAuthenticator(Buffer.from(identity.natsSeed)),
    });
    await own.close();
  });
});
