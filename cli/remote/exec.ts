import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExecRequestSchema, ExecResponse, NodeTarget } from "../../shared/gen/stoker/v1/node_service_pb.js";
import type { ClientStream } from "../../shared/grpc.js";
import type { Call } from "../call.js";
import { exitCode, Failure, usage } from "../failure.js";
import type { Session } from "../session.js";
import type { Input, Terminal } from "../world.js";
import { parseForwarding, startForwarding } from "./forwarding.js";
import { nodeFailure } from "./node-failure.js";

type Target = Pick<NodeTarget, "nodeId" | "clusterId" | "jobId">;
type Stream = ClientStream<MessageInitShape<typeof ExecRequestSchema>, ExecResponse>;

/** What `exec` of a node, cluster or job does: a command, a shell, forwards, or several of these. The remote exit code. */
export async function execOn(call: Call, session: Session, target: Target): Promise<number> {
  const forwards = call.texts("address").map(parseForwarding);
  const command = call.text("exec");
  if (command !== undefined && command.trim() === "") throw usage("--exec: there is no command");
  const terminal = command === undefined || call.flag("terminal") ? call.world.terminal : undefined;
  if (call.flag("terminal") && !terminal) throw usage("--terminal: this is no terminal");
  const stop = await startForwarding(call, session, target, forwards);
  try {
    // As with ssh -N: there is nobody to talk to a shell.
    if (command === undefined && !terminal && forwards.length > 0) return await interrupted(call);
    return await runOn(call, session.nodes.exec(), { target, command: command ?? "", terminal });
  } catch (error) {
    throw nodeFailure(error);
  } finally {
    stop();
  }
}

function interrupted(call: Call): Promise<number> {
  return new Promise((resolve) => call.world.onInterrupt(() => resolve(exitCode.interrupted)));
}

async function runOn(
  call: Call,
  stream: Stream,
  { target, command, terminal }: { target: Target; command: string; terminal: Terminal | undefined },
): Promise<number> {
  const { world } = call;
  const start = { target, commandLine: command, terminal: terminal !== undefined, terminalType: terminal?.type ?? "" };
  stream.push({ message: { case: "start", value: { ...start, ...(terminal ? { window: terminal.size() } : {}) } } });
  const undo: Array<() => void> = [];
  let isInterrupted = false;
  const input = world.input();
  const begin = () => {
    if (terminal) {
      undo.push(terminal.raw());
      undo.push(terminal.onResize(() => void stream.push({ message: { case: "window", value: terminal.size() } })));
    }
    pump(input, stream).catch(() => stream.cancel());
  };
  undo.push(
    world.onInterrupt(() => {
      isInterrupted = true;
      stream.cancel();
    }),
  );
  try {
    for await (const { message } of stream.responses) {
      if (message.case === "started") begin();
      else if (message.case === "output") await world.out(message.value);
      else if (message.case === "errorOutput") await world.err(message.value);
      else if (message.case === "exit") return message.value.exitCode;
    }
    throw new Failure(exitCode.unreachable, "the coordinator ended the call before the command had ended");
  } catch (error) {
    if (isInterrupted) return exitCode.interrupted;
    throw error;
  } finally {
    for (const each of undo.reverse()) each();
    input.close();
    stream.end();
  }
}

async function pump({ chunks }: Input, stream: Stream): Promise<void> {
  for await (const chunk of chunks) {
    if (!stream.push({ message: { case: "input", value: chunk } })) await Promise.race([stream.drain(), stream.closed]);
  }
  stream.push({ message: { case: "inputEnd", value: {} } });
}
