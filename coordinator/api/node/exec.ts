import { Fault } from "../../../shared/fault.js";
import type { ExecRequest, ExecStart, NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { targetOf } from "../../core/files/target.js";
import type { OpenStreams } from "../open-streams.js";
import type { ApiPorts, NodeRelay } from "../ports.js";
import { firstOf, passOn } from "./user-side.js";

export function exec(ports: ApiPorts, open: OpenStreams): Handlers<typeof NodeService>["exec"] {
  return async (stream, { signal, peer }) => {
    using _ = open.hold(peer);
    const requests = stream.requests[Symbol.asyncIterator]();
    const start = await startOf(requests);
    const { node, leaseId } = targetOf(ports.state(), start.target);
    const { commandLine, terminal, window, terminalType } = start;
    const plan = { commandLine, terminal, terminalType, leaseId, ...(window ? { window } : {}) };
    const relay = await ports.relays.ask(node, { case: "exec", value: plan }, signal);
    try {
      void passOn(requests, relay, (request) => toAgent(request, relay));
      for await (const message of relay.messages()) {
        if (message.case === "started") await stream.send({ message: { case: "started", value: { node } } });
        else if (message.case === "output" || message.case === "errorOutput") await stream.send({ message });
        else if (message.case === "exit") {
          await stream.send({ message });
          return;
        }
      }
    } finally {
      relay.close();
    }
  };
}

async function startOf(requests: AsyncIterator<ExecRequest>): Promise<ExecStart> {
  const { message } = await firstOf(requests);
  if (message.case !== "start")
    throw new Fault("invalid-argument", "the first message says what is to be run: `start`");
  return message.value;
}

async function toAgent({ message }: ExecRequest, relay: NodeRelay): Promise<void> {
  if (message.case === "input" || message.case === "inputEnd" || message.case === "window") await relay.send(message);
}
