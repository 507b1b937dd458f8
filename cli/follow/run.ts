import type { Call } from "../call.js";
import type { Session } from "../session.js";
import { tellEfficiency } from "./efficiency.js";
import { expectedRanks } from "./expected-ranks.js";
import { FindingsTold } from "./findings.js";
import { exitCodeOf, failureText } from "./job-end.js";
import { Line } from "./line.js";
import { LogPrinter } from "./log-printer.js";
import { LogReader } from "./logs.js";
import { progressText } from "./progress.js";
import { jobEnd } from "./watch.js";

export interface RunEnd {
  exitCode: number;
  failure: string | undefined;
}

/** Prints the log of a job that was just submitted until it has ended; nothing when the signal came first. */
export async function followRun(
  call: Call,
  session: Session,
  id: string,
  signal: AbortSignal,
): Promise<RunEnd | undefined> {
  const line = new Line(call, session.address);
  const { job } = await session.jobs.getJob({ id }, session.limits);
  const printer = new LogPrinter(call.world, expectedRanks(job?.spec) > 1);
  const query = { id, attempt: 0, stream: 0, offset: 0n, follow: true };
  // The two fail together or not at all: what breaks one ends the other.
  const broken = new AbortController();
  const either = AbortSignal.any([signal, broken.signal]);
  const log = async () => {
    for await (const chunk of new LogReader(session, line, query).read(either)) await printer.print(chunk);
    await printer.flush();
  };
  let told = "";
  const findings = new FindingsTold(call);
  const end = jobEnd(session, line, id, either, async (seen) => {
    const text = progressText(seen);
    if (call.world.isInteractive && text !== told) await call.notice(text);
    told = text;
    await findings.tell(seen);
  });
  const whenBroken = (error: unknown) => {
    broken.abort();
    throw error;
  };
  const [ended] = await Promise.all([end.catch(whenBroken), log().catch(whenBroken)]);
  if (!ended || signal.aborted) return undefined;
  await tellEfficiency(call, session, ended);
  return { exitCode: exitCodeOf(ended), failure: failureText(ended) };
}
