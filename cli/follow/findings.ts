import { setTimeout as delay } from "node:timers/promises";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import type { Call } from "../call.js";
import { isTransient } from "../failure.js";
import type { Session } from "../session.js";
import { hasEnded } from "./job-end.js";

const lookAgainMs = 1_000;

/** What is suspected of a job, told once when it begins and once when it is over, to somebody who reads its log. */
export class FindingsTold {
  private readonly open = new Map<string, string>();

  constructor(private readonly call: Call) {}

  async tell({ findings }: Pick<Job, "findings">): Promise<void> {
    for (const { kind, rule, attempt, gpus, noticedTime, endTime, message } of findings) {
      // Of stragglers there may be several; of all else the GPUs may change while it lasts.
      const which = kind === "straggler" ? gpus[0]?.uuid : "";
      const key = `${rule} ${attempt} ${noticedTime?.seconds ?? 0n}.${noticedTime?.nanos ?? 0} ${which}`;
      const isKnown = this.open.has(key);
      if (endTime === undefined && !isKnown) {
        this.open.set(key, message);
        await this.call.notice(message);
      } else if (endTime !== undefined && isKnown) {
        this.open.delete(key);
        await this.call.notice(`no longer so: ${message}`);
      }
    }
  }
}

/**
 * Beside a log that is followed, until the signal. The log is what was asked for: it tells of a line that breaks and of whatever else goes wrong, and
 * this one only looks again.
 */
export async function tellFindings(call: Call, session: Session, id: string, signal: AbortSignal): Promise<void> {
  const told = new FindingsTold(call);
  while (!signal.aborted) {
    try {
      for await (const { job } of session.jobs.watchJob({ id }, { signal })) {
        if (job) await told.tell(job);
        if (job && hasEnded(job)) return;
      }
    } catch (error) {
      if (!isTransient(error)) return;
    }
    await delay(lookAgainMs, undefined, { signal }).catch(() => undefined);
  }
}
