import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { NodeSchema } from "../../../shared/gen/stoker/v1/node_pb.js";
import { conditionsOf } from "../../core/health/conditions.js";
import { penaltyOf, penaltyOfShare } from "../../core/health/penalty.js";
import type { Failure, NodeTest } from "../../core/health/record.js";
import type { State } from "../../core/memory.js";
import type { Node } from "../../core/state.js";

type View = Pick<MessageInitShape<typeof NodeSchema>, "gpuFaults" | "gpuHealth" | "failures" | "tests" | "penalty">;

/** The fields of a node that tell how it and its GPUs are, and what befell them. */
export function nodeHealthView(state: State, row: Node): View {
  const now = state.clock.tickedAt;
  const conditions = conditionsOf(state, row);
  const health = state.nodeHealth.get(row.uuid);
  const { gpus } = row.inventory;
  return {
    gpuFaults: conditions.map(({ since, ...fault }) => ({ ...fault, since: timestampFromMs(since) })),
    gpuHealth: gpus.map(({ uuid, index }) => {
      const fault = conditions.find((each) => each.uuid === uuid);
      return {
        ...{ uuid, index, state: fault?.state ?? "healthy", reason: fault?.message ?? "" },
        ...(fault ? { since: timestampFromMs(fault.since) } : {}),
        penalty: penaltyOf(health, uuid, now),
      };
    }),
    failures: [...(health?.failures ?? [])].reverse().map(failureView),
    tests: [...(health?.tests ?? [])].reverse().map(testView),
    penalty: penaltyOfShare(
      health,
      gpus.map(({ uuid }) => uuid),
      now,
    ),
  };
}

const failureView = ({ uuid, rule, message, since, until }: Failure) => ({
  ...{ gpuUuid: uuid, rule, message, since: timestampFromMs(since) },
  ...(until === undefined ? {} : { until: timestampFromMs(until) }),
});

const testView = ({
  id,
  purpose,
  state,
  uuids,
  quick,
  peers,
  askedAt,
  startedAt,
  endedAt,
  summary,
  checks,
}: NodeTest) => ({
  ...{ testId: id, purpose, state, gpuUuids: [...uuids], quick, peers: [...peers], summary },
  startTime: timestampFromMs(startedAt ?? askedAt),
  ...(endedAt === undefined ? {} : { endTime: timestampFromMs(endedAt) }),
  checks: checks.map(({ uuid, numbers, ...check }) => ({ ...check, gpuUuid: uuid, numbers: { ...numbers } })),
});
