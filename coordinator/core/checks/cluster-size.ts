import { idOfCluster } from "../names.js";
import type { JobCheck } from "./check.js";

/** Its cluster is to have fewer nodes than it needs, for now. Others may go before it. */
export const clusterSize: JobCheck = ({ request }, world) => {
  const cluster = world.clusters.get(request.cluster);
  const { nodeCount } = request;
  if (!cluster || nodeCount <= cluster.size.maximum) return undefined;
  const { name, size } = cluster;
  const [, workspace] = idOfCluster(world, cluster).split("/");
  const at = `-w ${workspace} -n ${name}`;
  const message =
    size.minimum === size.maximum
      ? `the target of cluster ${name} is ${size.maximum}; \`stoker cluster resize ${at} -t ${nodeCount}\` makes room`
      : `cluster ${name} has at most ${size.maximum}; \`stoker cluster auto-scale ${at} --min ${size.minimum} --max ${nodeCount}\` makes room`;
  return { check: "cluster-size", message };
};
