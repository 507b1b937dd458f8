import type { Expansion, Gang } from "./toolkit.js";

/** One process, on the first node, whose end is the attempt's. */
export function single(commandLine: string, gang: Gang): Expansion {
  return {
    ranks: [
      { rank: 0, nodeIndex: 0, commandLine, environment: [], stdoutName: "stdout.txt", stderrName: "stderr.txt" },
    ],
    environment: [],
    slotsByNode: gang.nodes.map(() => gang.slots),
    endsWith: "first",
  };
}
