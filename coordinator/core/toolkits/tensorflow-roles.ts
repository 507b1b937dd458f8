import { type Gang, spread } from "./toolkit.js";

export interface Task {
  readonly rank: number;
  readonly role: "ps" | "worker";
  /** Counts from 0 in each role. */
  readonly index: number;
  readonly nodeIndex: number;
  readonly address: string;
}

const firstPort = 2222;

/**
 * Servers on the first nodes, one each; workers evenly over all, in the order of the nodes. Ports count up from 2222 on each node, servers
 * before workers, as Batch AI had them; jobs that share their nodes with others count from a port of their own.
 */
export function roles(gang: Gang, workerCount: number, serverCount: number): Task[] {
  const taken = gang.nodes.map(() => 0);
  const first = gang.whole && !gang.oneMachine ? firstPort : gang.port;
  const address = (nodeIndex: number): string => {
    // Agents on one machine have their ports in common.
    const counter = gang.oneMachine ? 0 : nodeIndex;
    const port = first + (taken[counter] ?? 0);
    taken[counter] = (taken[counter] ?? 0) + 1;
    const host = gang.oneMachine ? "127.0.0.1" : (gang.nodes[nodeIndex]?.host ?? "");
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  };
  const servers = Array.from({ length: serverCount }, (_, index) => ({
    role: "ps" as const,
    index,
    nodeIndex: index,
    address: address(index),
  }));
  const places = spread(workerCount, gang.nodes.length).flatMap((count, node) => Array<number>(count).fill(node));
  const workers = places.map((nodeIndex, index) => ({
    role: "worker" as const,
    index,
    nodeIndex,
    address: address(nodeIndex),
  }));
  // The master's is rank 0.
  return [...workers, ...servers].map((task, rank) => ({ ...task, rank }));
}
