import { setTimeout as delay } from "node:timers/promises";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import type { Call } from "../call.js";
import { hasEnded } from "../follow/job-end.js";
import { Line } from "../follow/line.js";
import type { Session } from "../session.js";

/** One list now and then, instead of a watch for each of perhaps thousands. */
const everyMs = 1_000;

export async function untilAllEnded(call: Call, session: Session, list: () => Promise<Job[]>): Promise<Job[]> {
  const line = new Line(call, session.address);
  const { signal } = new AbortController();
  let told = "";
  for (;;) {
    try {
      const jobs = await list();
      await line.up();
      const ended = jobs.filter(hasEnded).length;
      const text = `${ended} of ${jobs.length} jobs have ended`;
      if (call.world.isInteractive && text !== told) await call.notice(text);
      told = text;
      if (ended === jobs.length) return jobs;
    } catch (error) {
      await line.down(error, signal);
    }
    await delay(everyMs);
  }
}
