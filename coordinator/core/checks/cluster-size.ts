import { idOfCluster } from "../names.js";
import type { JobCheck } from "./check.js";

/** Its cluster is to have fewer nodes than it needs, for now. Others may go before it. */
export const clusterSize: JobCheck = ({ request }, world) => {
  const cluster = world.clusters.get(request.cluster);
  const { nodeCount } = request;
  if (!cluster || nodeCount <= cluster.size.maximum) return undefined;
  const { name, size } = cluster;
  const needed = nodeCount === 1 ? "needs a node" : `needs ${nodeCount} nodes`;
  const [, workspace] = idOfCluster(world, cluster).split("/");
  const at = `-w ${workspace} -n ${name}`;
  const message =
    size.minimum === size.maximum
      ? `it ${needed}, and the target of cluster ${name} is ${size.maximum}: \`stoker cluster resize ${at} -t ${nodeCount}\``
      : `it ${needed}, and cluster ${name} has at most ${size.maximum}: \`stoker cluster auto-scale ${at} --min ${size.minimum} --max ${nodeCount}\``;
  return { check: "cluster-size", message };
};
