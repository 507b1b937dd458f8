import { ClusterSpecSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { Cluster } from "../../core/state.js";
import { integer, json, message, text } from "../column.js";
import type { TableShape } from "../table.js";

export const clusterTable: TableShape<Cluster> = {
  name: "cluster",
  key: ["uuid"],
  keyText: "uuid",
  columns: {
    uuid: text(),
    workspace: text(),
    name: text(),
    spec: message(ClusterSpecSchema),
    createdAt: integer,
    sequence: integer,
    size: json(),
  },
};
