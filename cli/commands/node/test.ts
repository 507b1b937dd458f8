import { setTimeout as delay } from "node:timers/promises";
import type { Node, NodeTest } from "../../../shared/gen/stoker/v1/node_pb.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

const lookEveryMs = 1_000;

export const test: Verb = {
  name: "test",
  description: "Test a machine: its GPUs' and its own memory, their bandwidth, the network to other nodes",
  details:
    "Its GPUs take no work from now on, and are tested as soon as they are free. One that fails is out of service until it passes. " +
    "`stoker node show` has the results. With --wait the exit code is 1 when something failed.",
  example: "stoker node test m1 --gpu 3 --wait",
  argument: "[name]",
  options: [
    nameOption("node"),
    { flags: "--gpu <number or uuid>", description: "this one alone; may be given again", repeatable: true },
    { flags: "--network", description: "measure the network to idle nodes of its cluster, too" },
    { flags: "--quick", description: "half a minute at most" },
    { flags: "--wait", description: "until it is over" },
  ],
  async run(call) {
    const id = call.nodeId();
    const session = await call.session();
    const asked = { id, gpus: call.texts("gpu"), network: call.flag("network"), quick: call.flag("quick") };
    const { node, testId } = await session.nodes.testNode(asked, session.limits);
    if (!call.flag("wait")) {
      await session.show("node", node);
      return undefined;
    }
    for (let seen: Node | undefined = node; ; ) {
      const now = testOf(seen, testId);
      if (now && now.state !== "waiting" && now.state !== "running") {
        await session.show("node", seen);
        return now.state === "passed" ? undefined : 1;
      }
      await delay(lookEveryMs);
      seen = (await session.nodes.getNode({ id }, session.limits)).node;
    }
  },
};

const testOf = (node: Node | undefined, testId: string): NodeTest | undefined =>
  node?.tests.find((each) => each.testId === testId);
