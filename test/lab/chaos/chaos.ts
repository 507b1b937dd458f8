import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { Connection } from "../../../shared/grpc.js";
import { check, type Evidence, type Finding } from "./checker.js";
import { furnish, parent } from "./furnish.js";
import type { Ground } from "./ground.js";
import { Injector } from "./inject.js";
import { readJournals } from "./journal.js";
import { Load } from "./load.js";
import { allocations, jobOutcomes, listJobs, stateOf } from "./outcome.js";
import { type FaultKind, planOf } from "./plan.js";
import { watchStalls } from "./stalls.js";

export interface ChaosSettings {
  seed: number;
  runMs: number;
  kinds: readonly FaultKind[];
  faultEveryMs: number;
  longShare: number;
  submitEveryMs: number;
  longestJobMs: number;
}

export interface ChaosResult extends Finding {
  evidence: Evidence;
  missedFaults: number;
  repeatedCalls: number;
}

/** So long the site may take, when nothing is done to it any more, to bring every job to its end and clean up. */
const settleMs = 240_000;

/** Load and faults for a while, then quiet, then judgement. */
export async function runChaos(
  ground: Ground,
  settings: ChaosSettings,
  say: (line: string) => void,
): Promise<ChaosResult> {
  const { seed, runMs, kinds, faultEveryMs, longShare, submitEveryMs, longestJobMs } = settings;
  const { ttlMs, marginMs, recoveryMs, sharesHost } = ground;
  const began = performance.now();
  const tell = (line: string) => say(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)}  ${line}`);
  const connection = ground.connect();
  await furnish(connection, ground);
  const folder = mkdtempSync(join(tmpdir(), "stoker-chaos-load-"));
  const acknowledgedPath = join(folder, "acknowledged");
  const load = new Load(ground, { seed, parent, everyMs: submitEveryMs, longestMs: longestJobMs, acknowledgedPath });
  const injector = new Injector(ground, tell);
  const stopStalls = watchStalls((stall) => injector.done.push(stall), ttlMs / 4);
  const reviving = setInterval(() => void ground.revive(), 500);
  try {
    const plan = planOf({
      seed,
      runMs,
      nodes: ground.nodes.length,
      ttlMs,
      marginMs,
      kinds,
      everyMs: faultEveryMs,
      longShare,
    });
    const end = performance.now() + runMs;
    const over = () => performance.now() >= end;
    await Promise.all([load.run(over), injector.play(plan, over)]);
    tell(`quiet: ${load.submitted.size} jobs were submitted; waiting for their ends`);
    await load.drained();
    await settle(connection, tell);
    const leftovers = await leftoversAtLast(connection, ground);
    const evidence: Evidence = {
      ...{ ttlMs, marginMs, recoveryMs, sharesHost, leftovers },
      acknowledged: readFileSync(acknowledgedPath, "utf8").split("\n").slice(0, -1),
      planned: load.submitted,
      outcomes: await jobOutcomes(connection, parent),
      journals: readJournals(ground.journals),
      disturbances: injector.done,
      cpusPerNode: ground.cpusPerNode,
      crashes: await ground.crashes(),
    };
    return { ...check(evidence), evidence, missedFaults: injector.missed, repeatedCalls: load.repeated };
  } finally {
    clearInterval(reviving);
    stopStalls();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What has not ended by then is told by the checker. */
async function settle(connection: Connection, tell: (line: string) => void): Promise<void> {
  const jobs = connection.client(JobService);
  const end = performance.now() + settleMs;
  for (let told = 0; performance.now() < end; await sleep(500)) {
    const left = (await listJobs(jobs, parent)).filter((job) => stateOf(job) === "unended");
    if (left.length === 0) return;
    if (performance.now() - told < 10_000) continue;
    told = performance.now();
    tell(
      `${left.length} jobs have not ended: ${left
        .slice(0, 5)
        .map(({ name }) => name)
        .join(", ")}`,
    );
  }
}

/** What stays although there is time to clean up. */
async function leftoversAtLast(connection: Connection, ground: Ground): Promise<string[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const left = [...(await ground.leftovers()), ...(await allocations(connection)).map((one) => `promised ${one}`)];
    if (left.length === 0 || performance.now() > end) return left;
    await sleep(500);
  }
}
