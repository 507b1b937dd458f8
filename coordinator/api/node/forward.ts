import { Fault } from "../../../shared/fault.js";
import type { ForwardRequest, ForwardStart, NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { targetOf } from "../../core/files/target.js";
import type { OpenStreams } from "../open-streams.js";
import type { ApiPorts, NodeRelay } from "../ports.js";
import { firstOf, passOn } from "./user-side.js";

export function forward(ports: ApiPorts, open: OpenStreams): Handlers<typeof NodeService>["forward"] {
  return async (stream, { signal, peer }) => {
    using _ = open.hold(peer);
    const requests = stream.requests[Symbol.asyncIterator]();
    const { target, host, port } = await startOf(requests);
    const { node } = targetOf(ports.state(), target);
    const relay = await ports.relays.ask(node, { case: "forward", value: { host, port } }, signal);
    try {
      const userEnds = passOn(requests, relay, (request) => toAgent(request, relay));
      for await (const message of relay.messages()) {
        if (message.case === "started") await stream.send({ message: { case: "opened", value: { node } } });
        else if (message.case === "output") await stream.send({ message });
        else if (message.case === "outputEnd") {
          await stream.send({ message });
          break;
        }
      }
      // The other direction may still have something to say.
      await userEnds;
      await relay.finished();
    } finally {
      relay.close();
    }
  };
}

async function startOf(requests: AsyncIterator<ForwardRequest>): Promise<ForwardStart> {
  const { message } = await firstOf(requests);
  if (message.case !== "start") throw new Fault("invalid-argument", "the first message says where to: `start`");
  const { host, port } = message.value;
  if (!/^[\w.:%-]{1,253}$/.test(host)) throw new Fault("invalid-argument", "host is no name or address");
  if (port < 1 || port > 65_535) throw new Fault("invalid-argument", `port is ${port}; it must be 1 to 65535`);
  return message.value;
}

async function toAgent({ message }: ForwardRequest, relay: NodeRelay): Promise<void> {
  if (message.case === "input" || message.case === "inputEnd") await relay.send(message);
}
