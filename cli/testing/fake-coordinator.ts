import { create, type DescService } from "@bufbuild/protobuf";
import { Server } from "@grpc/grpc-js";
import { authenticate, serverCredentials } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { AuditService } from "../../shared/gen/stoker/v1/audit_service_pb.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../../shared/gen/stoker/v1/file_server_service_pb.js";
import { ExecutionState, type Job, JobSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { JoinService } from "../../shared/gen/stoker/v1/join_service_pb.js";
import { MachineClassService } from "../../shared/gen/stoker/v1/machine_class_service_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { RoleService } from "../../shared/gen/stoker/v1/role_service_pb.js";
import { SecretService } from "../../shared/gen/stoker/v1/secret_service_pb.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { StorageService } from "../../shared/gen/stoker/v1/storage_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Handlers, serve } from "../../shared/grpc.js";
import { FakeWorld } from "./fake-world.js";

export interface Answers {
  jobs?: Partial<Handlers<typeof JobService>>;
  clusters?: Partial<Handlers<typeof ClusterService>>;
  fileServers?: Partial<Handlers<typeof FileServerService>>;
  experiments?: Partial<Handlers<typeof ExperimentService>>;
  workspaces?: Partial<Handlers<typeof WorkspaceService>>;
  storage?: Partial<Handlers<typeof StorageService>>;
  secrets?: Partial<Handlers<typeof SecretService>>;
  machineClasses?: Partial<Handlers<typeof MachineClassService>>;
  nodes?: Partial<Handlers<typeof NodeService>>;
  joining?: Partial<Handlers<typeof JoinService>>;
  signIn?: Partial<Handlers<typeof SignInService>>;
  users?: Partial<Handlers<typeof UserService>>;
  roles?: Partial<Handlers<typeof RoleService>>;
  audit?: Partial<Handlers<typeof AuditService>>;
}

const services = {
  jobs: JobService,
  clusters: ClusterService,
  fileServers: FileServerService,
  experiments: ExperimentService,
  workspaces: WorkspaceService,
  storage: StorageService,
  secrets: SecretService,
  machineClasses: MachineClassService,
  nodes: NodeService,
  joining: JoinService,
  signIn: SignInService,
  users: UserService,
  roles: RoleService,
  audit: AuditService,
};

/** A coordinator on a port of its own that answers as a test says; what it says nothing about is not found. */
export class FakeCoordinator implements AsyncDisposable {
  static readonly token = "the-token";
  #server: Server | undefined;
  #port = 0;

  private constructor(private readonly answers: Answers) {}

  static async start(answers: Answers): Promise<FakeCoordinator> {
    const coordinator = new FakeCoordinator(answers);
    await coordinator.resume();
    return coordinator;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** A world whose environment leads here. */
  world(): FakeWorld {
    const world = new FakeWorld();
    world.environment = {
      STOKER_COORDINATOR: this.address,
      STOKER_TOKEN: FakeCoordinator.token,
      STOKER_TLS: "off",
      STOKER_WORKSPACE: "lab",
      STOKER_EXPERIMENT: "first",
    };
    return world;
  }

  /** As a crash does it: connections break in the middle. */
  crash(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** On the same port as before. */
  async resume(): Promise<void> {
    const server = new Server();
    for (const [name, service] of Object.entries(services)) {
      add(server, service, this.answers[name as keyof Answers] ?? {});
    }
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, serverCredentials(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crash();
  }
}

function add<S extends DescService>(server: Server, service: S, given: Partial<Handlers<S>>): void {
  const all: Record<string, unknown> = {};
  for (const { localName, name } of service.methods) {
    all[localName] = () => {
      throw new Fault("not-found", `the test has no answer to ${name}`);
    };
  }
  const handlers = { ...all, ...given } as Handlers<S>;
  // A test that makes a handler fail means it; the caller is told enough to see one that did not.
  const report = () => undefined;
  const { definition, implementation } = serve(
    service,
    handlers,
    (metadata) => authenticate(metadata, FakeCoordinator.token),
    report,
  );
  server.addService(definition, implementation);
}

type JobInit = Omit<Parameters<typeof create<typeof JobSchema>>[1] & object, "$typeName">;

/** A running job of one node, with what a test wants to be different. */
export function makeJob(given: JobInit = {}): Job {
  return create(JobSchema, {
    id: "workspaces/lab/experiments/first/jobs/train",
    name: "train",
    uuid: "0b8f2c1e-1111-4222-8333-444455556666",
    spec: {
      nodeCount: 1,
      cluster: { id: "workspaces/lab/clusters/gpus" },
      toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } },
    },
    toolType: "custom",
    executionState: ExecutionState.RUNNING,
    attempt: 1,
    attempts: [{ number: 1, state: "running", rankCount: 1, nodes: [{ name: "m1", address: "10.0.0.1" }] }],
    ...given,
  });
}

export const succeeded = (given: JobInit = {}) =>
  makeJob({ executionState: ExecutionState.SUCCEEDED, executionInfo: { exitCode: 0 }, ...given });

export const failed = (exitCode: number, given: JobInit = {}) =>
  makeJob({
    executionState: ExecutionState.FAILED,
    executionInfo: { exitCode, errors: [{ code: "JobFailed", message: "Job failed with non-zero exit code" }] },
    ...given,
  });
