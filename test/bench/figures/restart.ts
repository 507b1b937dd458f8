import { existsSync, readdirSync } from "node:fs";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { until } from "../../../scripts/site/processes.js";
import { ExecutionState, type Job } from "../../../shared/gen/stoker/v1/job_pb.js";
import { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import { connect } from "../../../shared/grpc.js";
import { BenchSite, single } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";
import { fillQueue, queueLength } from "./throughput.js";

const running = 50;
const restarts = 3;
const ranks = 32;

/** A site of its own: what others measure on theirs is not to be restarted. */
async function onSite<T>(slots: number, measure: (site: BenchSite) => Promise<T>): Promise<T> {
  const site = await BenchSite.start({ slots });
  try {
    return await measure(site);
  } finally {
    await site.stop();
  }
}

/** From `kill -9` to the first call that is answered; the median of some, and what became of the jobs in all of them. */
export function coordinatorRestart(): Promise<Record<string, number>> {
  return onSite(Math.ceil(running / 4), async (site) => {
    const marks = site.marks();
    const parent = await site.experiment("running");
    const jobs = site.jobs();
    for (let name = 0; name < running; name++) {
      const spec = single(`echo $$ > ${marks}/$STOKER_ATTEMPT-${name}; exec sleep 3600`);
      await jobs.createJob({ parent, name: `j${name}`, spec });
    }
    await until("they run", () => (readdirSync(marks).length === running ? true : undefined), 60_000);
    const queue = await fillQueue(site, queueLength);
    const times: number[] = [];
    for (let restart = 0; restart < restarts; restart++) times.push(await restartCoordinator(site));
    const left = [...(await all(site, queue)), ...(await all(site, parent))];
    const onesRun = left.filter(
      ({ executionState, attempt }) => executionState === ExecutionState.RUNNING && attempt === 1,
    );
    return {
      p50: percentile(times, 50),
      jobsLost: queueLength + running - left.length,
      // Whoever ran and does not, or has run elsewhere meanwhile.
      jobsRestarted: Math.max(running - onesRun.length, readdirSync(marks).length - running),
    };
  });
}

async function restartCoordinator(site: BenchSite): Promise<number> {
  const { local } = site;
  const killed = wallMs();
  await local.stopCoordinator("SIGKILL");
  const starting = local.startCoordinator();
  const answered = await until("it answers", () => answers(site), 60_000, 5);
  await starting;
  // Everybody is back before the next.
  const nodes = site.connection().client(NodeService);
  await until(
    "the agents are back",
    async () =>
      (await nodes.listNodes({})).nodes.every(({ lastHeartbeatTime }) => lastHeartbeatTime) ? true : undefined,
    60_000,
  );
  return answered - killed;
}

/** When; by a connection that was not there before, which backs off from nothing. */
async function answers(site: BenchSite): Promise<number | undefined> {
  const connection = connect(site.local.address, site.local.credential);
  try {
    await connection.client(WorkspaceService).listWorkspaces({});
    return wallMs();
  } catch {
    return undefined;
  } finally {
    connection.close();
  }
}

async function all(site: BenchSite, parent: string): Promise<Job[]> {
  const jobs = site.jobs();
  const found: Job[] = [];
  let pageToken = "";
  do {
    const page = await jobs.listJobs({ parent, pageSize: 1_000, pageToken });
    found.push(...page.jobs);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

/** From `kill -9` to the agent's hello, which names what it has adopted: here a job of many ranks. */
export function agentRestart(): Promise<number> {
  return onSite(ranks, async (site) => {
    const marks = site.marks();
    const parent = await site.experiment("ranks");
    const commandLine = `touch ${marks}/$$; exec sleep 3600`;
    const { job } = await site.jobs().createJob({
      parent,
      name: "wide",
      spec: {
        cluster: { id: "all" },
        nodeCount: 1,
        toolkit: {
          case: "pyTorchSettings",
          value: { commandLine, processCount: ranks, communicationBackend: "gloo" },
        },
      },
    });
    await until("its ranks run", () => (readdirSync(marks).length === ranks ? true : undefined), 60_000);
    const current = (await site.jobs().getJob({ id: job?.id ?? "" })).job;
    const node = current?.attempts[0]?.nodes[0]?.name;
    if (node === undefined) throw new Error("the job runs nowhere");
    const nodes = site.connection().client(NodeService);
    const times: number[] = [];
    for (let restart = 0; restart < restarts; restart++) {
      const killed = wallMs();
      await site.local.stopAgent(node, "SIGKILL");
      site.local.startAgent(node);
      const heard = async () => {
        const { node: shown } = await nodes.getNode({ id: `nodes/${node}` });
        const at = shown?.lastHeartbeatTime && timestampMs(shown.lastHeartbeatTime);
        // Nothing of the former agent's can come so late.
        return at !== undefined && at > killed + 50 ? at : undefined;
      };
      times.push((await until("its hello", heard, 30_000, 5)) - killed);
    }
    const left = readdirSync(marks).filter((pid) => existsSync(`/proc/${pid}`));
    if (left.length !== ranks) throw new Error(`${ranks - left.length} ranks have ended`);
    return percentile(times, 50);
  });
}
