import { ClusterSpecSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { changeClusterSecrets } from "../../core/secrets/fields.js";
import type { Cluster } from "../../core/state.js";
import { integer, json, message, text } from "../column.js";
import { hasSecrets } from "../has-secrets.js";
import type { TableShape } from "../table.js";

export const clusterTable: TableShape<Cluster> = {
  name: "cluster",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    workspace: text(),
    name: text(),
    spec: message(ClusterSpecSchema, hasSecrets(changeClusterSecrets)),
    createdAt: integer,
    sequence: integer,
    size: json(),
    deletingSince: integer,
  },
};
