import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";

const hourMs = 3_600_000;

export const history: Verb = {
  name: "history",
  description: "What a node measured: a day in steps of ten seconds, thirty days in steps of five minutes",
  example: "stoker node history -n m1 --hours 24",
  argument: "[name]",
  options: [
    nameOption("node"),
    { flags: "--hours <number>", description: "How far back, 1 to 720; an hour otherwise" },
    { flags: "--steps <number>", description: "At most so many, 1 to 2000; 120 otherwise" },
  ],
  async run(call) {
    const id = call.nodeId();
    const hours = call.whole("hours", 1) ?? 1;
    const maxSteps = call.whole("steps", 1) ?? 0;
    const session = await call.session();
    const to = Date.now();
    const range = { from: timestampFromMs(to - hours * hourMs), to: timestampFromMs(to) };
    const [response, output] = await Promise.all([
      session.nodes.getNodeHistory({ id, maxSteps, ...range }, session.limits),
      import("../../output/node-history.js"),
    ]);
    if (!response.history) return undefined;
    await call.world.out(
      session.isJson ? output.nodeHistoryJson(response.history) : output.nodeHistory(response.history),
    );
    return undefined;
  },
};
