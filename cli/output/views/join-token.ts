import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type JoinToken, JoinTokenSchema } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

function stateOf({ revokeTime, expireTime, used, uses }: JoinToken): string {
  if (revokeTime) return "revoked";
  if (used >= uses) return "used up";
  return expireTime && timestampMs(expireTime) <= Date.now() ? "expired" : "good";
}

export const joinToken = view({
  schema: JoinTokenSchema,
  columns: [
    ["Id", ({ id }) => id],
    ["State", stateOf],
    ["Used", ({ used, uses }) => `${used} of ${uses}`],
    ["Expires", ({ expireTime }) => shortTime(expireTime)],
    ["Replaces", ({ replaces }) => (replaces ? "yes" : "no")],
    ["Made by", ({ createdBy }) => createdBy],
    ["Nodes", ({ nodes }) => nodes.join(", ")],
  ],
});
