import { randomBytes } from "node:crypto";
import type { PeerTestOrder } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { type Check, readLine } from "./check.js";
import { start } from "./program.js";

const serveMs = 45_000;
const seconds = { quick: 3, full: 9 };

/** Waits for what its peers measure: each connects to this node, and tells by the coordinator. */
export async function overTcp(
  program: string,
  peers: readonly string[],
  from: {
    serve(port: number, token: string): void;
    result(peer: string): Promise<Check>;
    signal: AbortSignal;
  },
): Promise<Check[]> {
  const token = randomBytes(24).toString("hex");
  const environment = { STOKER_TEST_SECONDS: String(serveMs / 1000) };
  const server = start(program, ["serve"], { limitMs: serveMs, environment, input: `${token}\n`, signal: from.signal });
  try {
    const port = await portOf(server);
    if (port === undefined) return peers.map((peer) => failed(peer, "this node could not listen for it"));
    const results = peers.map((peer) => from.result(peer));
    from.serve(port, token);
    const silent = (peer: string) => server.ended.then(() => failed(peer, `${peer} told no result in time`));
    return await Promise.all(peers.map((peer, at) => Promise.race([results[at] ?? silent(peer), silent(peer)])));
  } finally {
    server.kill();
  }
}

async function portOf(server: ReturnType<typeof start>): Promise<number | undefined> {
  const said = new Promise<string>((resolve) => server.child.stdout?.once("data", (text: string) => resolve(text)));
  const line = await Promise.race([said, server.ended.then(({ output }) => output)]);
  const port = Number(/"port":(\d+)/.exec(line)?.[1]);
  return Number.isInteger(port) ? port : undefined;
}

/** The other end: connects to the node that is tested. */
export async function measure(program: string, order: PeerTestOrder, nodeName: string): Promise<Check> {
  const words = ["connect", order.address, String(order.port), String(seconds[order.quick ? "quick" : "full"])];
  const { output, missing } = await start(program, words, { limitMs: 30_000, input: `${order.token}\n` }).ended;
  if (missing) return { ...failed(nodeName, `${nodeName} has no stoker-node-test`), outcome: "skipped" };
  const said = readLine(output);
  if (!said) return failed(nodeName, `${nodeName} could not measure the network to ${order.node}`);
  return { name: "network", gpuUuid: "", peer: nodeName, ...said, message: `from ${nodeName}: ${said.message}` };
}

const failed = (peer: string, message: string): Check => ({
  ...{ name: "network", gpuUuid: "", outcome: "failed", message, numbers: {}, peer },
});
