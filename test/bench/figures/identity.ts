import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectNats, nkeyAuthenticator } from "@nats-io/transport-node";
import { type Identity, IdentityFile } from "../../../agent/identity/identity-file.js";
import { LocalSite } from "../../../scripts/site/local-site.js";
import { until } from "../../../scripts/site/processes.js";
import { Fault } from "../../../shared/fault.js";
import { AgentService } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../../shared/grpc.js";
import { natsTls } from "../../../shared/nats-tls.js";
import { BenchSite } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";
import { jobsPerSecond } from "./throughput.js";

const nodes = ["m1", "m2", "m3"];
const patienceMs = 30_000;
/** Of runs with and without, one right after the other. */
const pairs = 7;

/**
 * From the call that removes a node at work to the last of: its key is refused by the coordinator, its key is refused by NATS, and the ranks on
 * it are gone. The longest of several nodes.
 */
export async function revokeSeconds(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-revoke-"));
  const site = await LocalSite.start({ folder, nodes, agentFlags: ["--cpus", "1", "--witness-port", "0"] });
  const connection = connect(site.address, site.credential);
  try {
    await furnish(connection, folder);
    const took: number[] = [];
    for (const node of nodes) took.push(await revoked(site, connection, node));
    return Math.max(...took) / 1000;
  } finally {
    connection.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function furnish(connection: Connection, folder: string): Promise<void> {
  const parent = "workspaces/w";
  await connection.client(WorkspaceService).createWorkspace({ name: "w" });
  await connection.client(ExperimentService).createExperiment({ parent, name: "e" });
  const spec = { vmSize: "any", scaleSettings: { manual: { targetNodeCount: nodes.length } } };
  await connection.client(ClusterService).createCluster({ parent, name: "c", spec });
  for (const name of nodes) {
    const commandLine = `echo $$ > ${folder}/pid-$STOKER_NODE; exec sleep 600`;
    await connection.client(JobService).createJob({
      parent: `${parent}/experiments/e`,
      name,
      spec: {
        cluster: { id: "c" },
        nodeCount: 1,
        toolkit: { case: "customToolkitSettings", value: { commandLine } },
      },
    });
  }
}

async function revoked(site: LocalSite, connection: Connection, node: string): Promise<number> {
  const path = join(site.options.folder, `pid-${node}`);
  const pid = await until(
    `a rank on ${node}`,
    () => (existsSync(path) && Number(readFileSync(path, "utf8"))) || undefined,
    patienceMs,
  );
  const file = new IdentityFile(site.agentFolder(node));
  const identity = file.read();
  if (!identity) throw new Error(`${node} has not joined`);
  const start = wallMs();
  await connection.client(NodeService).removeNode({ id: `nodes/${node}` });
  const ends = await Promise.all([
    until("the coordinator refuses it", () => isRefused(site, file), patienceMs, 20),
    until("NATS refuses it", () => isRefusedByNats(site, identity), patienceMs, 20),
    until("its ranks are gone", () => (existsSync(`/proc/${pid}`) ? undefined : wallMs()), patienceMs, 20),
  ]);
  return Math.max(...ends) - start;
}

/** When. */
async function isRefused(site: LocalSite, file: IdentityFile): Promise<number | undefined> {
  const connection = connect(site.address, file.credential(), { apart: true });
  const stream = connection.client(AgentService).session();
  try {
    // Not the node's hello: that would take its place. A key that is known is told that this is no beginning.
    stream.push({ message: { case: "heartbeat", value: {} } });
    await stream.responses[Symbol.asyncIterator]().next();
    return undefined;
  } catch (error) {
    return error instanceof Fault && error.code === "permission-denied" ? wallMs() : undefined;
  } finally {
    connection.close();
  }
}

async function isRefusedByNats(site: LocalSite, identity: Identity): Promise<number | undefined> {
  const config = readFileSync(join(site.coordinatorFolder, "nats", "nats.conf"), "utf8");
  const [, port = ""] = /^port: (\d+)$/m.exec(config) ?? [];
  try {
    const connection = await connectNats({
      servers: `127.0.0.1:${port}`,
      reconnect: false,
      tls: natsTls(identity.authority),
      authenticator: nkeyAuthenticator(Buffer.from(identity.natsSeed)),
    });
    await connection.close();
    return undefined;
  } catch {
    return wallMs();
  }
}

/**
 * What encryption and certificates take of the jobs in a second, on this machine, where everything shares the processors. Two sites take turns, so
 * that whatever else the machine does meets both; of all pairs the middle one counts.
 */
export async function tlsOverheadPercent(): Promise<number> {
  await using off = await owned({ tls: "off" });
  await using on = await owned({ tls: "on" });
  // Code that runs for the first time is compiled meanwhile.
  for (const { site } of [off, on]) await jobsPerSecond(site);
  const overheads: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const rates = { on: 0, off: 0 };
    const inTurn = pair % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const);
    for (const which of inTurn) rates[which] = await jobsPerSecond({ off, on }[which].site);
    overheads.push(100 * (1 - rates.on / rates.off));
  }
  return percentile(overheads, 50);
}

async function owned(options: { tls: "on" | "off" }): Promise<AsyncDisposable & { site: BenchSite }> {
  const site = await BenchSite.start(options);
  return { site, [Symbol.asyncDispose]: () => site.stop() };
}
