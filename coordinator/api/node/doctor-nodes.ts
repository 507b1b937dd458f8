import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Fault } from "../../../shared/fault.js";
import { type DoctorFinding, DoctorVerdict } from "../../../shared/gen/stoker/v1/doctor_pb.js";
import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findNode, idOfNode } from "../../core/names.js";
import type { Node } from "../../core/state.js";
import type { ApiPorts } from "../ports.js";

/** Nodes look at themselves within this, or are told of as those that did not. */
const withinMs = 90_000;
/** Each node tries so many others. */
const peersMost = 32;

type Findings = Array<Omit<DoctorFinding, "$typeName" | "$unknown">>;

export function doctorNodes(ports: ApiPorts): Handlers<typeof NodeService>["doctorNodes"] {
  return async ({ ids }, { signal }) => {
    const state = ports.state();
    const all = [...state.nodes.values()].sort((a, b) => a.sequence - b.sequence);
    const asked = ids.length === 0 ? all : ids.map((id) => findNode(state, id));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    const nodes = await Promise.all(
      asked.map(async (node) => ({ nodeId: idOfNode(node), findings: await findingsOf(ports, node, all, limit) })),
    );
    return { nodes };
  };
}

async function findingsOf(ports: ApiPorts, node: Node, all: readonly Node[], signal: AbortSignal): Promise<Findings> {
  if (knowsNot.test(node.agentVersion)) return [tooOld(node)];
  const value = { coordinatorTime: timestampFromMs(ports.now()), peers: peersOf(node, all) };
  try {
    const relay = await ports.relays.ask(node.name, { case: "doctor", value }, signal);
    const end = () => relay.close();
    signal.addEventListener("abort", end, { once: true });
    try {
      for await (const message of relay.messages()) {
        if (message.case === "doctorReport") return message.value.findings;
      }
      return [unreachable(`node ${node.name} said nothing`)];
    } finally {
      signal.removeEventListener("abort", end);
      relay.close();
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // A node that is not there is what this is asked for.
    const late = signal.aborted ? `no answer of node ${node.name} within ${withinMs / 1_000} s` : undefined;
    return [unreachable(late ?? error.message)];
  }
}

/** Those after it, and round: so that each pair of a large lab is tried from some side. */
function peersOf(node: Node, all: readonly Node[]) {
  const at = all.indexOf(node);
  return [...all.slice(at + 1), ...all.slice(0, at)]
    .filter(({ lost }) => lost === undefined)
    .slice(0, peersMost)
    .map(({ name, address }) => ({ nodeName: name, address }));
}

/** They would be waited for in vain. */
const knowsNot = /^0\.[012]\./;

const tooOld = ({ name, agentVersion }: Node): Findings[number] => ({
  ...{ check: "agent", verdict: DoctorVerdict.FAIL },
  sentence: `the agent of node ${name} (version ${agentVersion}) can't look at its machine`,
  remedy: "on the machine: apt install ./stoker_*.deb ./stoker-agent_*.deb, of the coordinator's version",
});

const unreachable = (sentence: string): Findings[number] => ({
  ...{ check: "agent", verdict: DoctorVerdict.FAIL, sentence },
  remedy: "on the machine: systemctl status stoker-agent; stoker-agent doctor",
});
