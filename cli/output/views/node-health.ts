import type { Failure, GpuHealth, Node, NodeTest, TestCheck } from "../../../shared/gen/stoker/v1/node_pb.js";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";

type NodeParts = Pick<Node, "gpuHealth" | "gpuFaults" | "failures" | "tests" | "penalty">;

/** More are in `-o json`. */
const failuresShown = 5;

/** How a node's GPUs are, what failed there lately, and how the latest test went. */
export function healthLines({ gpuHealth, gpuFaults, failures, tests, penalty }: NodeParts): Detail[] {
  // A coordinator of an earlier release tells of faults alone.
  const told =
    gpuHealth.length === 0
      ? gpuFaults.map(({ state, message, since }) => ({ state, reason: message, since }))
      : gpuHealth;
  return [
    ...told
      .filter(({ state }) => state !== "healthy")
      .map(({ state, reason, since }): Detail => ["GPU", `${state} since ${shortTime(since)}: ${reason}`]),
    ...failures.slice(0, failuresShown).map((failure): Detail => ["Failure", failureLine(failure)]),
    ["Failures before", failures.length > failuresShown ? `${failures.length - failuresShown} more: -o json` : ""],
    ["Placed after others", penalty === 0 ? "" : `by ${penalty} points for its failures${worstOf(gpuHealth)}`],
    ...testLines(tests[0]),
  ];
}

function failureLine({ message, since, until }: Failure): string {
  const end = until ? (until.seconds === since?.seconds ? "" : ` to ${shortTime(until)}`) : ", and lasts";
  return `${shortTime(since)}${end}: ${message}`;
}

function worstOf(gpus: readonly GpuHealth[]): string {
  const own = gpus.filter(({ penalty }) => penalty > 0).map(({ index, penalty }) => `GPU ${index}: ${penalty}`);
  return own.length === 0 ? "" : ` (${own.join(", ")})`;
}

function testLines(test: NodeTest | undefined): Detail[] {
  if (!test) return [];
  const { state, purpose, quick, startTime, endTime, summary, checks } = test;
  const why = purpose === "return" ? "before its GPUs serve again" : "an operator's";
  const how = `${state}, ${quick ? "quick, " : ""}${why}, ${shortTime(endTime ?? startTime)}`;
  return [
    ["Test", summary === "" ? how : `${how}: ${summary}`],
    ...checks.map((check): Detail => ["", `${check.outcome}: ${subjectOf(check)}: ${check.message}`]),
  ];
}

function subjectOf({ name, gpuUuid, from, peer }: TestCheck): string {
  if (gpuUuid !== "") return `${name} of ${gpuUuid}`;
  if (from !== "") return `${name}, ${from} to ${peer}`;
  return peer === "" ? name : `${name} to ${peer}`;
}
