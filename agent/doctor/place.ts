import type { AccountsSetting } from "../core/policy/accounts.js";
import type { AgentWorld } from "./world.js";

/** What an agent's settings say. */
export interface AgentPlace {
  /** `host:port` */
  coordinator: string;
  dataDir: string;
  witnessPort?: number | undefined;
  containers?: string | undefined;
  accounts?: AccountsSetting | undefined;
  logs?: AgentWorld["logs"];
  witnesses?: AgentWorld["witnesses"];
}

type Placed = Pick<
  AgentWorld,
  | "coordinator"
  | "dataDir"
  | "unit"
  | "needed"
  | "witnessPort"
  | "containers"
  | "accounts"
  | "agentProgram"
  | "logs"
  | "witnesses"
>;

export function placeOf({
  coordinator,
  dataDir,
  witnessPort,
  containers = "auto",
  accounts,
  logs,
  witnesses,
}: AgentPlace): Placed {
  const [, host = coordinator, port = "7741"] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(coordinator) ?? [];
  return {
    ...{ coordinator: { host, port: Number(port) }, dataDir, unit: "stoker-agent.service" },
    ...{ needed: [host], witnessPort, containers, accounts, logs, witnesses },
    agentProgram: [process.execPath, process.argv[1] ?? ""],
  };
}
