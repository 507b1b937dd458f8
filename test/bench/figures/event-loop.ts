import { bearer, plain } from "../../../shared/credentials.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { connect } from "../../../shared/grpc.js";
import { BusyWatch } from "../../fakes/busy-watch.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../../fakes/coordinator-process.js";
import { until } from "../../fakes/until.js";

const burst = 2_000;
const queueLength = 10_000;
const watches = 10_000;

/** For how long a coordinator's event loop stood still at most, in processor time of its thread; of its own, so that nobody else is at work in it. */
export async function eventLoopBlocked(): Promise<Record<string, number>> {
  const busy = new BusyWatch();
  const coordinator = new CoordinatorProcess();
  try {
    await coordinator.start([], { NODE_OPTIONS: busy.nodeOptions });
    await coordinator.furnish();
    return await measured(coordinator, () => busy.longestMs(coordinator.pid));
  } finally {
    await coordinator.dispose();
    busy.dispose();
  }
}

async function measured(coordinator: CoordinatorProcess, longestMs: () => Promise<number>) {
  const connection = connect(coordinator.address, plain(bearer(coordinator.token)));
  try {
    const client = connection.client(JobService);
    const submit = (at: number) =>
      client.createJob({ ...inExperiment, name: `q${at}`, spec: tinyJob() }, { timeoutMs: 120_000 });
    const submitAll = (from: number, to: number) =>
      Promise.all(Array.from({ length: to - from }, (_, at) => submit(from + at)));
    // A program that has just begun is compiled on the way.
    await submitAll(0, burst);
    await longestMs();
    await submitAll(burst, 2 * burst);
    const submits = await longestMs();
    for (let at = 2 * burst; at < queueLength; at += burst) await submitAll(at, at + burst);
    await longestMs();
    await client.listJobs({ parent: inExperiment.parent, pageSize: 1_000 });
    const page = await longestMs();
    await client.explainJob({ id: `${inExperiment.parent}/jobs/q${queueLength - 1}` });
    const explain = await longestMs();
    const jobs = Array.from({ length: 1_000 }, (_, at) => ({ name: `s${at}`, spec: tinyJob() }));
    await client.createJobs({ ...inExperiment, jobs }, { timeoutMs: 120_000 });
    const sweep = await longestMs();
    return { submits, page, explain, sweep, watches: await watched(client, longestMs) };
  } finally {
    connection.close();
  }
}

type Jobs = CoordinatorProcess["jobs"];

/** Until all have had their first answer. */
async function watched(client: Jobs, longestMs: () => Promise<number>): Promise<number> {
  const stops: AbortController[] = [];
  let began = 0;
  const watch = async () => {
    const stop = new AbortController();
    stops.push(stop);
    const answers = client.watchJob({ id: `${inExperiment.parent}/jobs/q0` }, { signal: stop.signal });
    for await (const _ of answers) began += 1;
  };
  const all = Array.from({ length: watches }, () => watch());
  await until("all watch", () => began === watches, 120_000);
  const ms = await longestMs();
  for (const stop of stops) stop.abort();
  await Promise.all(all);
  return ms;
}
