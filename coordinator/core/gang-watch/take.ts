import type { JobId } from "../../../shared/ids.js";
import { tellOfJob } from "../announcements/of-job.js";
import type { Draft } from "../draft.js";
import { record, update } from "../job.js";
import type { Instant, Job } from "../state.js";
import { type Finding, isSame, noWatch, openFindings, sameGpus } from "./findings.js";
import type { FindingKind, Found } from "./gang.js";
import type { Verdicts } from "./judge.js";
import { reclaim, reclaimDue } from "./reclaim.js";

/** What the gang watch makes of a running job. Told when it changes something, or when the time of a limit has come. */
export interface GangWatched extends Verdicts {
  readonly kind: "gang-watched";
  readonly job: JobId;
  readonly attempt: number;
  /** Between the warning and the end of a job whose GPUs are idle, at least. */
  readonly idleWarningMs: number;
}

const findingsMax = 20;

/** Writes what has begun and what has ended; nothing while all is as it was. */
export function gangWatched(draft: Draft, event: GangWatched): void {
  const job = draft.world.jobs.get(event.job);
  if (job?.state.kind !== "running" || job.attempt !== event.attempt) return;
  const { begun, ended, changed } = differences(job, event, draft.now);
  let after = job;
  for (const finding of ended) {
    const goesOn = begun.some(({ rule }) => rule === finding.rule && finding.kind !== "straggler");
    after = withFinding(after, finding);
    after = goesOn ? update(draft, after) : record(draft, after, `no longer so: ${finding.sentence}`);
    if (!goesOn) noteOnNodes(draft, after, finding, `no longer so: ${finding.sentence}`);
  }
  for (const finding of begun) {
    after = record(draft, withFinding(after, finding), finding.sentence);
    announceFinding(draft, after, finding);
    noteOnNodes(draft, after, finding, finding.sentence);
  }
  for (const finding of changed) after = update(draft, withFinding(after, finding));
  if (changed.length > 0) draft.jobChanged(job.uuid);
  // On a fresh look only: what was found before the coordinator was started anew may be long over.
  if (!event.found.some(({ kind, whole }) => kind === "idle" && whole)) return;
  const due = reclaimDue(draft.world, after, draft.now, event.idleWarningMs);
  if (due) reclaim(draft, after, due);
}

interface Differences {
  readonly begun: readonly Finding[];
  readonly ended: readonly Finding[];
  /** Other GPUs have part in it. */
  readonly changed: readonly Finding[];
}

export function differences(job: Job, { found, judged }: Verdicts, now: Instant): Differences {
  const open = openFindings(job);
  const known = (each: Found) => open.find((finding) => isSame(finding, each));
  return {
    begun: found.flatMap((each) => (known(each) ? [] : [{ ...each, attempt: job.attempt, noticedAt: now }])),
    ended: open
      .filter((finding) => judged.includes(finding.rule) && !found.some((each) => isSame(finding, each)))
      .map((finding) => ({ ...finding, endedAt: now })),
    changed: found.flatMap((each) => {
      const before = known(each);
      if (!before || sameGpus(before, each)) return [];
      return [{ ...each, attempt: before.attempt, noticedAt: before.noticedAt, since: each.since }];
    }),
  };
}

function withFinding(job: Job, finding: Finding): Job {
  const watch = job.watch ?? noWatch;
  const others = watch.findings.filter(
    (other) => other.endedAt !== undefined || other.attempt !== finding.attempt || !isSame(other, finding),
  );
  return { ...job, watch: { ...watch, findings: [...others, finding].slice(-findingsMax) } };
}

/** Into the execution log of each node that it is about. */
function noteOnNodes(draft: Draft, { state }: Job, { gpus }: Finding, text: string): void {
  if (state.kind !== "running") return;
  const { lease } = state;
  for (const { nodeName } of lease.shares) {
    if (!gpus.some(({ node }) => node === nodeName)) continue;
    draft.order({ kind: "note-lease", node: nodeName, lease: lease.id, text });
  }
}

const announced = { hang: "job-hang", straggler: "job-straggler", idle: "job-idle-gpus" } as const satisfies Record<
  FindingKind,
  string
>;

function announceFinding(draft: Draft, job: Job, { kind, rule, sentence, gpus, attempt, noticedAt }: Finding): void {
  const [first] = gpus;
  const place = first && gpus.length === 1 ? { node: first.node, gpu: first.uuid } : undefined;
  const key = `${job.uuid}.${attempt}.${rule}.${noticedAt}`;
  tellOfJob(draft, job, announced[kind], key, `may want a look: ${sentence}`, { reason: sentence, ...place });
}
