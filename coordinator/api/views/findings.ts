import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GangFindingSchema } from "../../../shared/gen/stoker/v1/finding_pb.js";
import { type Finding, findingsOf } from "../../core/gang-watch/findings.js";
import type { FoundGpu } from "../../core/gang-watch/gang.js";
import type { Job } from "../../core/state.js";

/** What is, or was, suspected of a job. */
export const findingViews = (job: Job): Array<MessageInitShape<typeof GangFindingSchema>> =>
  findingsOf(job).map(findingView);

const findingView = ({ kind, rule, attempt, gpus, since, noticedAt, endedAt, sentence }: Finding) => ({
  ...{ kind, rule, attempt, gpus: gpus.map(gpuView), since: timestampFromMs(since), message: sentence },
  noticedTime: timestampFromMs(noticedAt),
  ...(endedAt === undefined ? {} : { endTime: timestampFromMs(endedAt) }),
});

const gpuView = ({ node, index, uuid, ranks }: FoundGpu) => ({ nodeName: node, index, uuid, ranks: [...ranks] });
