import type { ProcessDeath } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { cut } from "../cut.js";
import type { Draft } from "../draft.js";
import { record, update } from "../job.js";
import type { Job, Node, Outcome, Verdict } from "../state.js";
import { blamesTheJob, failedByMachine } from "../verdict.js";
import { type Cause, causeOf, machineFaults } from "./cause.js";

/** Of a process that a launcher on another node had started. */
export interface Death {
  readonly pid: number;
  readonly processName: string;
  readonly rank?: number;
  readonly cause: Cause;
}

const deathsMax = 16;

/** Without a cause that this version knows, there is nothing to say. */
export function narrowDeaths(told: readonly ProcessDeath[]): Death[] {
  return told.slice(0, deathsMax).flatMap(({ pid, processName, rank, diagnosis }) => {
    const cause = causeOf(diagnosis);
    if (!cause) return [];
    const named = rank === undefined || rank < 0 ? {} : { rank };
    return [{ pid, processName: cut(processName, 64), cause, ...named }];
  });
}

/**
 * A launcher on the first node says only that one of its processes ended. The node where that was says why, when nothing of the attempt is left
 * there; until then the attempt is not over, so that both become one sentence. Its machine's own fault overrules a verdict that blames the job.
 */
export function explainedBy(draft: Draft, job: Job, node: Node, deaths: readonly Death[]): Job {
  const { state } = job;
  if (state.kind !== "stopping" || deaths.length === 0) return job;
  const { verdict } = state;
  if (!blamesTheJob(verdict) || verdict.final) return job;
  const machine = deaths.find(({ cause }) => cause.proven && machineFaults[cause.faultClass]);
  const death = machine ?? deaths[0];
  if (!death) return job;
  const sentence = `on node ${node.name}, ${whoOf(death)}: ${death.cause.sentence}`;
  const code = machine && machineFaults[machine.cause.faultClass];
  if (code === undefined) {
    const explained = withReason(verdict, sentence, death);
    return update(draft, { ...job, state: { ...state, verdict: explained } });
  }
  const retries = verdict.next.kind === "requeue" ? job.retries - 1 : job.retries;
  const details = [
    { name: "node", value: node.name },
    ...(death.rank === undefined ? [] : [{ name: "rank", value: String(death.rank) }]),
    { name: "cause", value: death.cause.sentence },
    { name: "faultClass", value: death.cause.faultClass },
  ];
  const fault = { code, message: `${verdict.reason}; ${sentence}`, details };
  const { job: judged, verdict: after } = failedByMachine({ ...job, retries }, node.uuid, fault, "failed");
  return record(draft, { ...judged, state: { ...state, verdict: after } }, `${sentence}, which is why it failed`);
}

function whoOf({ rank, pid, processName }: Death): string {
  const process = pid > 0 ? `process ${pid}${processName === "" ? "" : `, ${processName}`}` : "";
  if (rank === undefined) return process === "" ? "one of its processes" : process;
  return process === "" ? `rank ${rank}` : `rank ${rank} (${process})`;
}

function withReason(verdict: Verdict, sentence: string, { cause, rank }: Death): Verdict {
  const reason = `${verdict.reason}; ${sentence}`;
  if (verdict.next.kind !== "finish") return { ...verdict, reason };
  const [first, ...others] = verdict.next.outcome.errors;
  if (!first) return { ...verdict, reason };
  const known = first.details.filter(
    ({ name }) => !["cause", "faultClass", ...(rank === undefined ? [] : ["rank"])].includes(name),
  );
  const details = [
    ...known,
    ...(rank === undefined ? [] : [{ name: "rank", value: String(rank) }]),
    { name: "cause", value: sentence },
    { name: "faultClass", value: cause.faultClass },
  ];
  const outcome: Outcome = { ...verdict.next.outcome, errors: [{ ...first, details }, ...others] };
  return { ...verdict, reason, next: { kind: "finish", outcome } };
}
