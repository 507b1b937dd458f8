import type { DescService } from "@bufbuild/protobuf";
import { AgentService } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { AuditService } from "../shared/gen/stoker/v1/audit_service_pb.js";
import { ClusterService } from "../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../shared/gen/stoker/v1/file_server_service_pb.js";
import { JobService } from "../shared/gen/stoker/v1/job_service_pb.js";
import { JoinService } from "../shared/gen/stoker/v1/join_service_pb.js";
import { MachineClassService } from "../shared/gen/stoker/v1/machine_class_service_pb.js";
import { NodeService } from "../shared/gen/stoker/v1/node_service_pb.js";
import { RoleService } from "../shared/gen/stoker/v1/role_service_pb.js";
import { SecretService } from "../shared/gen/stoker/v1/secret_service_pb.js";
import { SignInService } from "../shared/gen/stoker/v1/sign_in_service_pb.js";
import { StatusService } from "../shared/gen/stoker/v1/status_service_pb.js";
import { StorageService } from "../shared/gen/stoker/v1/storage_service_pb.js";
import { UserService } from "../shared/gen/stoker/v1/user_service_pb.js";
import { WorkspaceService } from "../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../shared/grpc.js";
import { auditHandlers } from "./api/audit/index.js";
import { clusterHandlers } from "./api/cluster/index.js";
import { experimentHandlers } from "./api/experiment/index.js";
import { fileServerHandlers } from "./api/file-server/index.js";
import { jobHandlers } from "./api/job/index.js";
import { joinHandlers } from "./api/join/index.js";
import { machineClassHandlers } from "./api/machine-class/index.js";
import { nodeHandlers } from "./api/node/index.js";
import type { ApiPorts } from "./api/ports.js";
import { type Gate, protect } from "./api/protect.js";
import { roleHandlers } from "./api/role/index.js";
import { secretHandlers } from "./api/secret/index.js";
import type { ApiServer } from "./api/server.js";
import { signInHandlers } from "./api/sign-in/index.js";
import { statusHandlers } from "./api/status/index.js";
import { storageHandlers } from "./api/storage/index.js";
import { userHandlers } from "./api/user/index.js";
import { workspaceHandlers } from "./api/workspace/index.js";

/** Every service, each method behind its rule. */
export function addServices(api: ApiServer, ports: ApiPorts, gate: Gate, agents: Handlers<typeof AgentService>): void {
  const add = <S extends DescService>(service: S, handlers: Handlers<S>) =>
    api.add(service, protect(service, handlers, gate));
  add(WorkspaceService, workspaceHandlers(ports));
  add(ClusterService, clusterHandlers(ports));
  add(FileServerService, fileServerHandlers(ports));
  add(StorageService, storageHandlers(ports));
  add(SecretService, secretHandlers(ports));
  add(MachineClassService, machineClassHandlers(ports));
  add(ExperimentService, experimentHandlers(ports));
  add(JobService, jobHandlers(ports));
  add(NodeService, nodeHandlers(ports));
  add(StatusService, statusHandlers(ports));
  add(SignInService, signInHandlers(ports));
  add(UserService, userHandlers(ports));
  add(RoleService, roleHandlers(ports));
  add(AuditService, auditHandlers(ports));
  add(JoinService, joinHandlers(ports));
  add(AgentService, agents);
}
