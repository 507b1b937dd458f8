import type { ClusterSpec, ScaleSettings, SetupTask } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { admitIdleLimit } from "../gang-watch/idle-limit.js";
import type { World } from "../memory.js";
import { changeClusterSecrets } from "../secrets/fields.js";
import { withReferences } from "../secrets/reference.js";
import type { ClusterSize, Workspace } from "../state.js";
import { admitClean, admitCount, admitPathText, admitText, admitWord, pathMax, refuse, shown } from "./fields.js";
import { admitEnvironment } from "./job.js";
import { admitVolumes } from "./volumes.js";

/** Batch AI allowed 100; a lab with more machines than this needs another design than a list a pass. */
const nodesMax = 10_000;

export function admitCluster(
  given: ClusterSpec,
  world: World,
  workspace: Workspace,
): { spec: ClusterSpec; size: ClusterSize } {
  const { spec } = withReferences(given, changeClusterSecrets, world, workspace);
  if (admitText("vmSize", spec.vmSize).length > 255) refuse("vmSize", `"${shown(spec.vmSize)}" is no machine class`);
  const vmPriority = admitWord("vmPriority", spec.vmPriority, ["dedicated", "lowpriority"]);
  admitIdleLimit("", spec);
  const size = admitSize(spec.scaleSettings);
  const setupTask = spec.nodeSetup?.setupTask;
  if (setupTask) admitSetupTask("nodeSetup.setupTask", setupTask);
  const mountVolumes = admitVolumes("nodeSetup.mountVolumes", spec.nodeSetup?.mountVolumes, world, workspace);
  return {
    spec: { ...spec, vmPriority, ...(spec.nodeSetup ? { nodeSetup: { ...spec.nodeSetup, mountVolumes } } : {}) },
    size,
  };
}

function admitSetupTask(at: string, task: SetupTask): void {
  admitText(`${at}.commandLine`, task.commandLine);
  admitPathText(`${at}.stdOutErrPathPrefix`, task.stdOutErrPathPrefix);
  admitEnvironment(`${at}.`, task);
}

export function admitSize(scale: ScaleSettings | undefined): ClusterSize {
  const { manual, autoScale } = scale ?? {};
  if (manual && autoScale) refuse("scaleSettings", "has both manual and autoScale; give one");
  if (manual) {
    const path = "scaleSettings.manual";
    admitWord(`${path}.nodeDeallocationOption`, manual.nodeDeallocationOption, [
      "requeue",
      "terminate",
      "waitforjobcompletion",
    ]);
    const target = admitCount(`${path}.targetNodeCount`, manual.targetNodeCount, 0, nodesMax);
    return { minimum: target, maximum: target };
  }
  if (!autoScale) return { minimum: 0, maximum: 0 };
  const path = "scaleSettings.autoScale";
  const maximum = admitCount(`${path}.maximumNodeCount`, autoScale.maximumNodeCount, 0, nodesMax);
  const minimum = admitCount(`${path}.minimumNodeCount`, autoScale.minimumNodeCount, 0, maximum);
  const initial = admitCount(`${path}.initialNodeCount`, autoScale.initialNodeCount, 0, maximum);
  return { minimum, maximum, ...(initial > minimum ? { initial } : {}) };
}

/** Which machine serves one that is none of `existing` is file-servers/place.ts's. */
export function admitFileServer(spec: FileServerSpec): FileServerSpec {
  const { existing } = spec;
  admitClean("managed.mountOptions", spec.managed?.mountOptions ?? "", pathMax);
  if (!existing) return spec;
  const host = admitText("existing.host", existing.host).trim();
  if (host.length > 255) refuse("existing.host", `"${shown(host)}" is longer than 255 characters`);
  if (/[\s,/]|^-/.test(host)) refuse("existing.host", `"${shown(host)}" is not a host name or address`);
  const path = admitPathText("existing.export", existing.export);
  if (!path.startsWith("/")) refuse("existing.export", `"${shown(path)}" is not an absolute path`);
  admitClean("existing.mountOptions", existing.mountOptions, pathMax);
  return { ...spec, existing: { ...existing, host } };
}
