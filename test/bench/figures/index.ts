import type { BenchSite } from "../bench-site.js";
import { autoscaleReaction } from "./autoscale.js";
import { commandLineStart } from "./command-line.js";
import { eventLoopBlocked } from "./event-loop.js";
import { fileStream } from "./file-stream.js";
import { faultToDrain, faultToRerun } from "./gpu-faults.js";
import { revokeSeconds, tlsOverheadPercent } from "./identity.js";
import { installToFirstJobSeconds } from "./install.js";
import { logThroughput } from "./log-throughput.js";
import { logLatency } from "./logs.js";
import { nodeLossToRerun } from "./loss.js";
import { metricsScrape } from "./metrics-scrape.js";
import { mountAndPrepare } from "./mounts.js";
import { overlapFaults, overlapTimes, partitionOverlap } from "./overlap.js";
import { ownerReclaimFreeze, ownerReclaimMove } from "./owner.js";
import { rbacMatrixPercent } from "./rbac.js";
import { agentRestart, coordinatorRestart } from "./restart.js";
import { simulatedHoursPerMinute } from "./simulation.js";
import { agentRss, coordinatorRss, listQueued } from "./size.js";
import { gangStart, mpiStart, submitToStart } from "./start.js";
import { sweepSubmit } from "./sweep.js";
import { samplerCpu, smiParse, telemetryBytes } from "./telemetry.js";
import { durableSubmitsPerSecond, jobsPerSecond } from "./throughput.js";
import { topCpuPercent } from "./top.js";

export interface Figure {
  key: string;
  what: string;
  measure(site: BenchSite): Promise<number | Record<string, number>>;
  /** By part, or of the figure itself. */
  targets: Record<string, number>;
  /** True when more is better. */
  atLeast?: boolean;
  /** Measured when `--only` names it: it needs more than two cores and a folder. */
  onRequest?: boolean;
}

/** In the order of measuring: what needs an idle site comes before what fills it. */
export const figures: Figure[] = [
  {
    key: "commandLineStartMs",
    what: "`stoker job list --help`",
    measure: commandLineStart,
    targets: { "": 250 },
  },
  {
    key: "smiParseMs",
    what: "nvidia-smi -q -x of 8 H100, from text to values",
    measure: smiParse,
    targets: { p95: 5 },
  },
  {
    key: "samplerCpuPercent",
    what: "of a core, to sample 8 GPUs every 2 s, beside nvidia-smi's own",
    measure: samplerCpu,
    targets: { "": 1 },
  },
  {
    key: "telemetryBytesPerNodePerSecond",
    what: "whole heartbeats of a node with 8 GPUs",
    measure: telemetryBytes,
    targets: { "": 400 },
  },
  { key: "agentRssMiB", what: "memory of an idle agent", measure: agentRss, targets: { "": 90 } },
  {
    key: "submitToStartMs",
    what: "call to process start, idle",
    measure: submitToStart,
    targets: { p50: 30, p95: 80 },
  },
  { key: "gangStartMs", what: "4 nodes, to the last process", measure: gangStart, targets: { p50: 60 } },
  { key: "mpiStartMs", what: "4 nodes, past MPI_Init and a barrier", measure: mpiStart, targets: { p50: 700 } },
  {
    key: "mountAndPrepareMs",
    what: "2 NFS volumes and a preparation: call to process start, without the mount command's own time",
    measure: mountAndPrepare,
    targets: { p50: 300 },
  },
  { key: "logLatencyMs", what: "line written to line followed", measure: logLatency, targets: { p50: 10, p99: 100 } },
  {
    key: "logThroughputMiBps",
    what: "one rank's writing to synced at the coordinator",
    measure: logThroughput,
    targets: { "": 60 },
    atLeast: true,
  },
  {
    key: "fileStreamMiBps",
    what: "512 MiB from a node's disk through the API, one reader",
    measure: fileStream,
    targets: { "": 100 },
    atLeast: true,
  },
  {
    key: "jobsPerSecond",
    what: "1,000 jobs of `true`, 8 clients",
    measure: jobsPerSecond,
    targets: { "": 200 },
    atLeast: true,
  },
  {
    key: "tlsOverheadPercent",
    what: "of jobsPerSecond, against a site without TLS",
    measure: tlsOverheadPercent,
    targets: { "": 15 },
  },
  {
    key: "revokeSeconds",
    what: "`node remove` to a key that nobody takes and ranks that are gone",
    measure: revokeSeconds,
    targets: { "": 5 },
  },
  {
    key: "installToFirstJobSeconds",
    what: "two bare lab machines, three commands; as root, and when --only names it",
    measure: installToFirstJobSeconds,
    targets: { "": 300 },
    onRequest: true,
  },
  {
    key: "nodeLossToRerunMs",
    what: "power cut to rerun",
    measure: nodeLossToRerun,
    targets: { p50: 20_000, p95: 20_000 },
  },
  {
    key: "faultToDrainMs",
    what: "16 faults of GPUs, by the kernel's or nvidia-smi's word: to the GPU out of service",
    measure: faultToDrain,
    targets: { p95: 5_000 },
  },
  {
    key: "faultToRerunMs",
    what: "15 of them: to the first process of the job's next attempt elsewhere",
    measure: faultToRerun,
    targets: { p95: 15_000 },
  },
  {
    key: "ownerReclaimFreezeMs",
    what: "an owner sits down at a machine at work: to the last sign of life of what ran there",
    measure: ownerReclaimFreeze,
    targets: { p95: 5_000 },
  },
  {
    key: "ownerReclaimMoveMs",
    what: "the same: to the first process of the job on another machine",
    measure: ownerReclaimMove,
    targets: { p95: 30_000 },
  },
  {
    key: "partitionOverlapMs",
    what: `longest two attempts at once; ${overlapFaults} partitions and freezes, leases of ${overlapTimes.ttlMs / 1000} s`,
    measure: partitionOverlap,
    targets: { "": 0 },
  },
  {
    key: "durableSubmitsPerSecond",
    what: "acknowledged submits, 8 clients",
    measure: durableSubmitsPerSecond,
    targets: { "": 2_000 },
    atLeast: true,
  },
  { key: "coordinatorRssMiB", what: "memory with 10,000 queued", measure: coordinatorRss, targets: { "": 200 } },
  { key: "sweepSubmitMs", what: "1,000 jobs in one call", measure: sweepSubmit, targets: { "": 500 } },
  {
    key: "autoscaleReactionMs",
    what: "a job's call to a node allocated, of a cluster that had none",
    measure: autoscaleReaction,
    targets: { p50: 200 },
  },
  {
    key: "topCpuPercent",
    what: "`stoker top`, of a core: 200 nodes with 8 GPUs each at work",
    measure: topCpuPercent,
    targets: { "": 3 },
  },
  { key: "metricsScrapeMs", what: "p95 for 200 nodes with 8 GPUs each", measure: metricsScrape, targets: { "": 200 } },
  {
    key: "eventLoopBlockedMs",
    what: "longest turn, in processor time; 2,000 submits, 10,000 queued, 10,000 watches",
    measure: eventLoopBlocked,
    targets: { submits: 50, page: 50, explain: 50, sweep: 50, watches: 50 },
  },
  {
    key: "rbacMatrixPercent",
    what: "calls with all credentials, answered as the table of docs/security.md says",
    measure: rbacMatrixPercent,
    targets: { "": 100 },
    atLeast: true,
  },
  {
    key: "simulatedHoursPerMinute",
    what: "20 nodes, 200 jobs a day, faults as in a lab, 2 processes",
    measure: simulatedHoursPerMinute,
    targets: { "": 1_000 },
    atLeast: true,
  },
  { key: "listQueuedMs", what: "`stoker job list`, 10,000 queued", measure: listQueued, targets: { "": 500 } },
  {
    key: "coordinatorRestartMs",
    what: "kill -9 to serving; 10,000 queued, 50 running",
    measure: coordinatorRestart,
    targets: { p50: 2_000, jobsLost: 0, jobsRestarted: 0 },
  },
  {
    key: "agentRestartMs",
    what: "kill -9 to 32 ranks adopted",
    measure: agentRestart,
    targets: { "": 1_000 },
  },
];
