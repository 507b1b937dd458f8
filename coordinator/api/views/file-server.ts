import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { FileServerSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { Managed } from "../../core/file-servers/managed.js";
import { unserved } from "../../core/file-servers/mountable.js";
import type { State } from "../../core/memory.js";
import { idOfFileServer, idOfNode } from "../../core/names.js";
import type { FileServer, ResourceFault } from "../../core/state.js";
import { provisioning } from "./provisioning.js";
import { shownFileServerSpec } from "./secrets.js";

type View = MessageInitShape<typeof FileServerSchema>;

export function fileServerView(state: State, row: FileServer): View {
  const going = state.workspaces.get(row.workspace)?.deletingSince;
  return {
    id: idOfFileServer(state, row),
    name: row.name,
    spec: shownFileServerSpec(row.spec),
    creationTime: timestampFromMs(row.createdAt),
    ...(row.managed ? managedView(state, row.managed) : givenView(row)),
    ...(going === undefined ? {} : provisioning(row.createdAt, going)),
  };
}

/** A filer that was there already. */
function givenView({ name, spec, createdAt }: FileServer): View {
  const there = { provisioningStateTransitionTime: timestampFromMs(createdAt) };
  if (!spec.existing) {
    const error = { code: "FileServerFailed", message: unserved(name) };
    return { ...there, provisioningState: ProvisioningState.FAILED, errors: [error] };
  }
  const { host, export: mountPoint } = spec.existing;
  return {
    ...there,
    provisioningState: ProvisioningState.SUCCEEDED,
    mountSettings: { mountPoint, fileServerInternalIp: host },
  };
}

const states: Record<Managed["state"], ProvisioningState> = {
  creating: ProvisioningState.CREATING,
  succeeded: ProvisioningState.SUCCEEDED,
  failed: ProvisioningState.FAILED,
  deleting: ProvisioningState.DELETING,
};

function managedView(state: State, managed: Managed): View {
  const node = state.nodes.get(managed.node);
  const address = node?.address ?? "";
  return {
    provisioningState: states[managed.state],
    provisioningStateTransitionTime: timestampFromMs(managed.since),
    errors: managed.fault ? [faultView(managed.fault)] : [],
    nodeId: node ? idOfNode(node) : "",
    directory: managed.directory,
    ...(managed.port === undefined
      ? {}
      : {
          mountSettings: {
            mountPoint: managed.mountPoint,
            fileServerInternalIp: address,
            // A lab's machines have no other.
            fileServerPublicIp: address,
          },
        }),
  };
}

const faultView = (fault: ResourceFault) => ({ ...fault, details: [...fault.details] });
