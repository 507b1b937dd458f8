import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { Instant } from "../../core/state.js";

/** What is here is there at once, until it is being deleted. */
export const provisioning = (createdAt: Instant, deletingSince: Instant | undefined) => ({
  provisioningState: deletingSince === undefined ? ProvisioningState.SUCCEEDED : ProvisioningState.DELETING,
  provisioningStateTransitionTime: timestampFromMs(deletingSince ?? createdAt),
});
