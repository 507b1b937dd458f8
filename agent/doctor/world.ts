import type { Machine } from "../../shared/doctor/machine.js";
import type { AccountsSetting } from "../core/policy/accounts.js";

export interface Peer {
  name: string;
  address: string;
}

/** The machine of an agent, and what is known of the lab around it. */
export interface AgentWorld {
  machine: Machine;
  dataDir: string;
  hostName: string;
  unit: string;
  coordinator: { host: string; port: number };
  needed: readonly string[];
  wanted: readonly string[];
  clockAheadMs?: number | undefined;
  /** Other nodes; none where nobody has told of them. */
  peers: readonly Peer[];
  /** Whether logs find their way to the coordinator; undefined: only the running agent knows. */
  logs?: { problem: string | undefined } | undefined;
  /** Other nodes that are asked whether they hear the coordinator, and which of them do not answer; undefined: only the running agent knows. */
  witnesses?: { asked: readonly string[]; silent: readonly string[] } | undefined;
  /** Where this node answers questions about the coordinator; undefined: it does not. */
  witnessPort: number | undefined;
  /** What starts this agent's program in another process. */
  agentProgram: readonly [string, ...string[]];
  /** "off", or what may run containers. */
  containers: string;
  /** As whom jobs run, as it is set. */
  accounts?: AccountsSetting | undefined;
}
