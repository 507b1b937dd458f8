import type { SetMounts } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Draft } from "../draft.js";
import { clusterVolumes } from "../grant/volumes.js";
import type { World } from "../memory.js";
import { idOfCluster } from "../names.js";
import type { Plain } from "../plain.js";
import { missingSecrets } from "../secrets/missing.js";
import { withoutLastSlashes, withoutOuterSlashes } from "../slashes.js";
import type { Cluster, Node } from "../state.js";
import { faultBeforeTask, preparationIdOf } from "./readiness.js";

/** Tells the node's agent what its membership needs: volumes, an admin account, the setup task. Or that it is in no cluster. */
export function orderPreparation(draft: Draft, node: Node): void {
  const { world } = draft;
  const cluster = node.cluster && world.clusters.get(node.cluster);
  // It is told when they are there again: see api/secrets.ts. What it has been told stays.
  if (cluster && missingSecrets(world, cluster.spec).length > 0) return;
  draft.order({
    kind: "set-mounts",
    node: node.name,
    plan: cluster ? planFor(world, cluster, node) : { clusterId: "", mounts: [], preparationId: "" },
  });
}

function planFor(world: World, cluster: Cluster, node: Node): Plain<SetMounts> {
  const { nodeSetup, userAccountSettings: account } = cluster.spec;
  const task = nodeSetup?.setupTask;
  const clusterId = idOfCluster(world, cluster);
  return {
    clusterId,
    mounts: [...clusterVolumes(world, cluster).mounts],
    preparationId: preparationIdOf(node),
    ...(account?.adminUserName
      ? {
          adminAccount: {
            name: account.adminUserName,
            sshPublicKey: account.adminUserSshPublicKey,
            password: account.adminUserPassword,
          },
        }
      : {}),
    ...(task && !faultBeforeTask(world, cluster)
      ? {
          setupTask: {
            commandLine: task.commandLine,
            environment: [
              { name: "STOKER_CLUSTER_ID", value: clusterId },
              { name: "STOKER_NODE", value: node.name },
              ...task.environmentVariables.map(({ name, value }) => ({ name, value })),
            ],
            secrets: task.secrets.map(({ name, value }) => ({ name, value })),
            stdDirectory: setupDirectory(task.stdOutErrPathPrefix, setupSuffix(world, cluster)),
            limitMs: BigInt(world.settings.setupLimitMs),
            graceMs: BigInt(world.settings.killGraceSeconds * 1000),
          },
        }
      : {}),
  };
}

/** `stdOutErrPathSuffix`: the part of the output's path that belongs to this cluster alone. */
export const setupSuffix = (world: World, cluster: Cluster) => `${idOfCluster(world, cluster)}/${cluster.uuid}`;

const setupDirectory = (prefix: string, suffix: string) =>
  prefix === "" ? "" : `${withoutLastSlashes(prefix)}/${withoutOuterSlashes(suffix)}`;
