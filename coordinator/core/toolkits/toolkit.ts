import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import { refuse } from "../admission/fields.js";

/** The settings block of a toolkit, by the name of its field in the proto's oneof. */
export type ToolkitCase = Exclude<JobSpec["toolkit"]["case"], undefined>;
export type SettingsOf<C extends ToolkitCase> = Extract<JobSpec["toolkit"], { case: C }>["value"];

/** One file each: admits the settings, and turns a placement into processes. Agents have nothing left to decide. */
export interface Toolkit<C extends ToolkitCase> {
  /** As Batch AI's toolType says it. */
  readonly toolType: string;
  /** The settings with defaults filled in; throws a Fault that names the field. `path` is the block's. */
  admit(settings: SettingsOf<C>, spec: JobSpec, path: string): SettingsOf<C>;
  expand(settings: SettingsOf<C>, gang: Gang): Expansion;
}

/** The nodes of one attempt, as toolkits see them. */
export interface Gang {
  readonly nodes: readonly GangMember[];
  readonly attempt: number;
  /** True when node names stand for addresses, because all are one machine. */
  readonly oneMachine: boolean;
  /** $AZ_BATCHAI_SHARED_JOB_TEMP is the same directory on all nodes. */
  readonly isTempShared: boolean;
  /** Some port that the attempt's processes may meet at: the same for all, another one for the next attempt. */
  readonly port: number;
  /** The attempt has its nodes to itself: ports that Batch AI documented are free. */
  readonly whole: boolean;
  /** Processes that an MPI launcher may start on one node when the job does not say. */
  readonly slots: number;
}

export interface GangMember {
  readonly name: string;
  readonly host: string;
  readonly cpus: number;
  readonly gpuUuids: readonly string[];
}

export interface Expansion {
  readonly ranks: readonly PlannedRank[];
  /** For every process of the attempt. */
  readonly environment: readonly Variable[];
  /** MPI processes a node, node by node: the host file. */
  readonly slotsByNode: readonly number[];
  /** `first`: rank 0 decides the attempt. `all`: the first failure, or the last success of those that don't just serve. */
  readonly endsWith: "first" | "all";
}

export interface PlannedRank {
  readonly rank: number;
  readonly nodeIndex: number;
  /** Text for `bash -c`. */
  readonly commandLine: string;
  readonly environment: readonly Variable[];
  readonly stdoutName: string;
  readonly stderrName: string;
  /** It never ends by itself, so nobody waits for it; its failure is the attempt's all the same. */
  readonly serves?: true;
}

export interface Variable {
  readonly name: string;
  readonly value: string;
}

export const variable = (name: string, value: string | number): Variable => ({ name, value: String(value) });

const ranksMax = 10_000;
const ranksMaxPerNode = 1_024;
/** Of one node, in its grant. */
const commandsMax = 4 * 1024 * 1024;

/** Processes that Stoker starts one by one, each with its command, its folder and its logs. */
export function admitRanks(path: string, count: number, nodeCount: number, commandLine: string): void {
  const onOneNode = Math.ceil(count / nodeCount);
  if (count > ranksMax || onOneNode > ranksMaxPerNode) {
    refuse(
      path,
      `${count} processes on ${nodeCount} nodes; there may be ${ranksMax}, and ${ranksMaxPerNode} on a node`,
    );
  }
  if (onOneNode * commandLine.length > commandsMax) {
    refuse(path, `${onOneNode} processes on a node with a command of ${commandLine.length} characters are too much`);
  }
}

/** `count` processes over `nodes` nodes, as evenly as can be, the first nodes taking what is over. */
export function spread(count: number, nodes: number): number[] {
  return Array.from({ length: nodes }, (_, at) => Math.floor(count / nodes) + (at < count % nodes ? 1 : 0));
}

/** Batch AI's images had a `python`; Debian's machines have only a `python3`. */
const anyPython = "$(command -v python || echo python3)";

/** Settings of the toolkits that take a script and a number of processes. */
export interface ScriptSettings {
  pythonScriptFilePath: string;
  pythonInterpreterPath: string;
  commandLineArgs: string;
}

/** Batch AI's launch of a script: paths and arguments are shell text, as the user wrote them. */
export function scriptCommand(interpreter: string, script: string, args: string): string {
  return [interpreter === "" ? anyPython : interpreter, script, args].filter((part) => part !== "").join(" ");
}
