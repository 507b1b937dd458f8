import type { AgentService } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { AuditService } from "../../../shared/gen/stoker/v1/audit_service_pb.js";
import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { EventService } from "../../../shared/gen/stoker/v1/event_service_pb.js";
import type { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { MachineClassService } from "../../../shared/gen/stoker/v1/machine_class_service_pb.js";
import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { RoleService } from "../../../shared/gen/stoker/v1/role_service_pb.js";
import type { SecretService } from "../../../shared/gen/stoker/v1/secret_service_pb.js";
import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { StatusService } from "../../../shared/gen/stoker/v1/status_service_pb.js";
import type { StorageService } from "../../../shared/gen/stoker/v1/storage_service_pb.js";
import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Rule } from "./rule.js";

/** Every service: one that is missing here is not served. */
export interface Services {
  WorkspaceService: typeof WorkspaceService;
  ClusterService: typeof ClusterService;
  FileServerService: typeof FileServerService;
  StorageService: typeof StorageService;
  SecretService: typeof SecretService;
  MachineClassService: typeof MachineClassService;
  ExperimentService: typeof ExperimentService;
  JobService: typeof JobService;
  NodeService: typeof NodeService;
  StatusService: typeof StatusService;
  EventService: typeof EventService;
  SignInService: typeof SignInService;
  UserService: typeof UserService;
  RoleService: typeof RoleService;
  AuditService: typeof AuditService;
  AgentService: typeof AgentService;
  JoinService: typeof JoinService;
}

type Rules = { readonly [S in keyof Services]: { readonly [M in keyof Services[S]["method"]]: Rule } };

/** Who may do what. A method without its rule does not compile; the table of docs/security.md is made of this. */
export const rules: Rules = {
  WorkspaceService: {
    createWorkspace: { needs: "administrator", changes: "workspaces/{name}" },
    getWorkspace: { needs: "reader", of: "id" },
    listWorkspaces: { needs: "user" },
    deleteWorkspace: { needs: "owner", of: "id", changes: "{id}" },
    updateWorkspace: { needs: "contributor", of: "id", changes: "{id}", shows: ["tags", "removedTags"] },
    setWorkspaceQuota: { needs: "administrator", changes: "{id}", shows: ["quota"] },
    listUsages: { needs: "reader", of: "parent", else: "user" },
  },
  ClusterService: {
    createCluster: {
      ...{ needs: "contributor", of: "parent", changes: "{parent}/clusters/{name}" },
      shows: ["spec.vmSize", "spec.scaleSettings"],
    },
    getCluster: { needs: "reader", of: "id" },
    listClusters: { needs: "reader", of: "parent" },
    updateCluster: { needs: "contributor", of: "id", changes: "{id}", shows: ["scaleSettings"] },
    deleteCluster: { needs: "contributor", of: "id", changes: "{id}" },
    listClusterFiles: { needs: "reader", of: "id" },
  },
  FileServerService: {
    createFileServer: {
      ...{ needs: "contributor", of: "parent", changes: "{parent}/fileServers/{name}" },
      shows: ["spec.existing.host", "spec.existing.export", "spec.managed.node", "spec.managed.directory"],
    },
    getFileServer: { needs: "reader", of: "id" },
    listFileServers: { needs: "reader", of: "parent" },
    deleteFileServer: { needs: "contributor", of: "id", changes: "{id}" },
  },
  StorageService: {
    setStorageMapping: { needs: "administrator", changes: "{source}", shows: ["fileServerId", "path"] },
    listStorageMappings: { needs: "user" },
    deleteStorageMapping: { needs: "administrator", changes: "{source}" },
  },
  SecretService: {
    setSecret: { needs: "contributor", of: "parent", changes: "{parent}/secrets/{name}" },
    listSecrets: { needs: "reader", of: "parent" },
    deleteSecret: { needs: "contributor", of: "id", changes: "{id}" },
  },
  MachineClassService: {
    listMachineClasses: { needs: "user" },
    setMachineClassAlias: { needs: "administrator", changes: "{alias}", shows: ["machineClass"] },
    deleteMachineClassAlias: { needs: "administrator", changes: "{alias}" },
  },
  ExperimentService: {
    createExperiment: { needs: "contributor", of: "parent", changes: "{parent}/experiments/{name}" },
    getExperiment: { needs: "reader", of: "id" },
    listExperiments: { needs: "reader", of: "parent" },
    deleteExperiment: { needs: "contributor", of: "id", changes: "{id}" },
  },
  JobService: {
    createJob: {
      ...{ needs: "contributor", of: "parent", changes: "{parent}/jobs/{name}" },
      shows: ["spec.cluster", "spec.nodeCount"],
    },
    createJobs: { needs: "contributor", of: "parent", changes: "{parent}" },
    getJob: { needs: "reader", of: "id" },
    listJobs: { needs: "reader", of: "parent" },
    deleteJob: { needs: "contributor", of: "id", changes: "{id}" },
    terminateJob: { needs: "contributor", of: "id", changes: "{id}" },
    watchJob: { needs: "reader", of: "id" },
    streamLogs: { needs: "reader", of: "id" },
    explainJob: { needs: "reader", of: "id" },
    getJobUsage: { needs: "reader", of: "id" },
    listJobFiles: { needs: "reader", of: "id" },
    readJobFile: { needs: "reader", of: "id" },
  },
  NodeService: {
    getNode: { needs: "user" },
    getNodeHistory: { needs: "user" },
    listNodes: { needs: "reader", of: "clusterId", else: "user" },
    deleteNode: { needs: "administrator", changes: "nodes/{id}" },
    removeNode: { needs: "administrator", changes: "nodes/{id}" },
    drainNode: { needs: "administrator", changes: "nodes/{id}", shows: ["reason"] },
    reclaimNode: { needs: "administrator", changes: "nodes/{id}", shows: ["reason", "graceSeconds"] },
    retryNode: { needs: "contributor", of: "id", through: "cluster", else: "administrator", changes: "nodes/{id}" },
    resumeNode: { needs: "administrator", changes: "nodes/{id}" },
    declareNodeLost: { needs: "administrator", changes: "nodes/{id}" },
    testNode: { needs: "administrator", changes: "nodes/{id}", shows: ["gpus", "network", "quick"] },
    returnGpu: { needs: "administrator", changes: "nodes/{id}", shows: ["gpu", "force"] },
    doctorNodes: { needs: "user" },
    exec: {
      ...{ needs: "contributor", of: "message.value.target.jobId", else: "administrator" },
      ...{ changes: "{message.value.target.jobId}{message.value.target.clusterId} {message.value.target.nodeId}" },
    },
    forward: {
      ...{ needs: "contributor", of: "message.value.target.jobId", else: "administrator" },
      ...{ changes: "{message.value.target.jobId}{message.value.target.clusterId} {message.value.target.nodeId}" },
      shows: ["message.value.host", "message.value.port"],
    },
  },
  StatusService: {
    getStatus: { needs: "user" },
  },
  EventService: {
    createEventSubscription: {
      ...{ needs: "contributor", of: "workspaceId", else: "administrator" },
      ...{ changes: "{workspaceId}/subscriptions/{name}", shows: ["kinds", "experimentId", "jobId"] },
    },
    getEventSubscription: { needs: "reader", of: "workspaceId", else: "administrator" },
    listEventSubscriptions: { needs: "reader", of: "workspaceId", else: "administrator" },
    deleteEventSubscription: {
      ...{ needs: "contributor", of: "workspaceId", else: "administrator" },
      changes: "{workspaceId}/subscriptions/{id}",
    },
    testEventSubscription: { needs: "contributor", of: "workspaceId", else: "administrator" },
    listEvents: { needs: "reader", of: "workspaceId", else: "administrator" },
    listEventKinds: { needs: "user" },
  },
  SignInService: {
    getSignInOptions: { needs: "anyone" },
    signIn: { needs: "anyone", changes: "users/{name}" },
    signInWithIdToken: { needs: "anyone", changes: "users" },
    signOut: { needs: "user", changes: "users" },
    getCaller: { needs: "user" },
  },
  UserService: {
    createUser: { needs: "administrator", changes: "users/{name}", shows: ["displayName", "subject"] },
    getUser: { needs: "administrator" },
    listUsers: { needs: "administrator" },
    updateUser: { needs: "administrator", changes: "users/{id}", shows: ["displayName", "disabled"] },
    setPassword: { needs: "administrator", changes: "users/{id}" },
    changePassword: { needs: "user", changes: "users" },
    deleteUser: { needs: "administrator", changes: "users/{id}" },
    createToken: { needs: "own", of: "user", changes: "{user}", shows: ["name", "expiryTime"] },
    createCertificate: { needs: "own", of: "user", changes: "{user}", shows: ["name", "expiryTime"] },
    renewCertificate: { needs: "user", changes: "users" },
    listTokens: { needs: "own", of: "user" },
    revokeToken: { needs: "own", of: "user", changes: "{user}", shows: ["name"] },
  },
  RoleService: {
    grantRole: {
      ...{ needs: "owner", of: "workspace", else: "administrator" },
      ...{ changes: "users/{user}", shows: ["role", "workspace"] },
    },
    revokeRole: {
      ...{ needs: "owner", of: "workspace", else: "administrator" },
      ...{ changes: "users/{user}", shows: ["workspace"] },
    },
    listRoles: { needs: "reader", of: "workspace", else: "administrator" },
  },
  AuditService: {
    listAuditEntries: { needs: "administrator" },
  },
  AgentService: {
    session: { needs: "node" },
    relay: { needs: "node" },
  },
  JoinService: {
    join: { needs: "anyone", changes: "nodes/{nodeName}" },
    createJoinToken: { needs: "administrator", changes: "join tokens", shows: ["uses", "expireTime", "replaces"] },
    listJoinTokens: { needs: "administrator" },
    revokeJoinToken: { needs: "administrator", changes: "join tokens", shows: ["id"] },
  },
};
