import { create } from "@bufbuild/protobuf";
import { type JobSpec, JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { usage } from "../../failure.js";

export interface RunFlags {
  /** Shell text. */
  command: string;
  /** The cluster's id. */
  cluster: string;
  nodes: number;
  processes?: number | undefined;
  mpi: boolean;
  torch: boolean;
  gpus?: number | undefined;
  cpus?: number | undefined;
  memory?: string | undefined;
  priority?: string | undefined;
  /** `NAME=VALUE` */
  environment: readonly string[];
}

/** The job that `stoker run` submits. */
export function specOf(flags: RunFlags): JobSpec {
  const { gpus, cpus, memory } = flags;
  return create(JobSpecSchema, {
    cluster: { id: flags.cluster },
    nodeCount: flags.nodes,
    schedulingPriority: flags.priority ?? "",
    toolkit: toolkitOf(flags),
    environmentVariables: flags.environment.map(variable),
    ...(gpus === undefined && cpus === undefined && memory === undefined
      ? {}
      : { resources: { gpus: gpus ?? 0, cpus: cpus ?? 1, memory: memory ?? "" } }),
  });
}

function toolkitOf({ command, processes, mpi, torch }: RunFlags) {
  if (mpi && torch) throw usage("--mpi and --torch: give one of them");
  const processCount = processes ?? 0;
  if (mpi) return { case: "customMpiSettings" as const, value: { commandLine: command, processCount } };
  if (torch) {
    const value = { commandLine: command, processCount, communicationBackend: "Gloo" };
    return { case: "pyTorchSettings" as const, value };
  }
  if (processes !== undefined)
    throw usage("-n: needs --mpi or --torch; without them the command runs once, on the first node");
  return { case: "customToolkitSettings" as const, value: { commandLine: command } };
}

function variable(text: string) {
  const at = text.indexOf("=");
  if (!/^[A-Za-z_]\w*=/.test(text)) throw usage(`--env: expected NAME=VALUE, found "${text}"`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
