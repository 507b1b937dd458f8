import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SecretSchema } from "../../../shared/gen/stoker/v1/secret_pb.js";
import type { State } from "../../core/memory.js";
import { idOfSecret } from "../../core/names.js";
import type { Secret } from "../../core/secrets/secret.js";

export const secretView = (state: State, row: Secret): MessageInitShape<typeof SecretSchema> => ({
  id: idOfSecret(state, row),
  name: row.name,
  creationTime: timestampFromMs(row.createdAt),
  changeTime: timestampFromMs(row.changedAt),
});
