import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JoinTokenSchema } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { JoinToken } from "../../core/identity/identity.js";
import type { State } from "../../core/memory.js";

export function joinTokenView(state: State, token: JoinToken): MessageInitShape<typeof JoinTokenSchema> {
  const { uuid: id, createdAt, expiresAt, revokedAt, uses, used, replaces, createdBy } = token;
  const nodes = [...state.nodeIdentities.values()].filter((node) => node.token === id && node.revokedAt === undefined);
  return {
    ...{ id, uses, used, replaces, createdBy },
    createTime: timestampFromMs(createdAt),
    expireTime: timestampFromMs(expiresAt),
    ...(revokedAt === undefined ? {} : { revokeTime: timestampFromMs(revokedAt) }),
    nodes: nodes.map(({ name }) => name).sort(),
  };
}
