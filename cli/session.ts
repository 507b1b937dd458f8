import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { bearer, plain, trusting } from "../shared/credentials.js";
import { AuditService } from "../shared/gen/stoker/v1/audit_service_pb.js";
import { ClusterService } from "../shared/gen/stoker/v1/cluster_service_pb.js";
import { EventService } from "../shared/gen/stoker/v1/event_service_pb.js";
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
import { type CallSettings, type Connection, connect, type ServiceClient } from "../shared/grpc.js";
import { type OwnCertificate, ownCertificate } from "./certificate/own.js";
import { exitCode, Failure, isTransient, usage } from "./failure.js";
import { outputFormats } from "./options.js";
import { toJson } from "./output/json.js";
import { details, table, tsv } from "./output/table.js";
import { type Kind, type Shown, views } from "./output/views/index.js";
import { addressOf, defaultAddress, type Profile } from "./settings.js";
import { authorityOf } from "./trust.js";
import type { World } from "./world.js";

/** The token that a coordinator on this machine made for itself. */
const localTokenPath = "/var/lib/stoker/token";
/** How long a create goes on asking a coordinator that is away: about what its restart takes. */
const createRetryMs = 5_000;
const callTimeoutMs = 30_000;

/** A connection and the ways to print what comes over it. Loaded only by commands that need it: gRPC is most of the start time. */
export class Session {
  constructor(
    readonly address: string,
    private readonly connection: Connection,
    private readonly world: World,
    private readonly format: "table" | "tsv" | "json",
    /** That it shows. */
    readonly own?: OwnCertificate,
  ) {}

  get jobs(): ServiceClient<typeof JobService> {
    return this.#client(JobService);
  }

  get clusters(): ServiceClient<typeof ClusterService> {
    return this.#client(ClusterService);
  }

  get fileServers(): ServiceClient<typeof FileServerService> {
    return this.#client(FileServerService);
  }

  get storage(): ServiceClient<typeof StorageService> {
    return this.#client(StorageService);
  }

  get secrets(): ServiceClient<typeof SecretService> {
    return this.#client(SecretService);
  }

  get machineClasses(): ServiceClient<typeof MachineClassService> {
    return this.#client(MachineClassService);
  }

  get events(): ServiceClient<typeof EventService> {
    return this.#client(EventService);
  }

  get status(): ServiceClient<typeof StatusService> {
    return this.#client(StatusService);
  }

  get experiments(): ServiceClient<typeof ExperimentService> {
    return this.#client(ExperimentService);
  }

  get workspaces(): ServiceClient<typeof WorkspaceService> {
    return this.#client(WorkspaceService);
  }

  get joining(): ServiceClient<typeof JoinService> {
    return this.#client(JoinService);
  }

  get signIn(): ServiceClient<typeof SignInService> {
    return this.#client(SignInService);
  }

  get users(): ServiceClient<typeof UserService> {
    return this.#client(UserService);
  }

  get roles(): ServiceClient<typeof RoleService> {
    return this.#client(RoleService);
  }

  get audit(): ServiceClient<typeof AuditService> {
    return this.#client(AuditService);
  }

  get nodes(): ServiceClient<typeof NodeService> {
    return this.#client(NodeService);
  }

  #client<S extends DescService>(service: S): ServiceClient<S> {
    return this.connection.client(service);
  }

  /** Settings of an ordinary call: an address that swallows packets must not hold the user forever. */
  get limits(): CallSettings {
    return { timeoutMs: callTimeoutMs };
  }

  /** Repeated while the coordinator is away; the key keeps a repeat from making a second one. */
  async create<T>(asked: string | undefined, attempt: (idempotencyKey: string) => Promise<T>): Promise<T> {
    const key = asked ?? randomUUID();
    const until = performance.now() + createRetryMs;
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 1_000)) {
      try {
        return await attempt(key);
      } catch (error) {
        if (!isTransient(error) || performance.now() + waitMs > until) throw error;
        await delay(waitMs);
      }
    }
  }

  get isJson(): boolean {
    return this.format === "json";
  }

  get isTable(): boolean {
    return this.format === "table";
  }

  /** What `show` prints. */
  async show<K extends Kind>(kind: K, message: Shown<K> | undefined): Promise<void> {
    const view = views[kind];
    const shown = present(message, kind);
    const text = this.format === "tsv" ? tsv([view.cells(shown)]) : details(view.rows(shown));
    await this.world.out(this.isJson ? toJson(view.describe(shown)) : text);
  }

  /** What creates and other changes print: a line for people, everything for programs. */
  async summary<K extends Kind>(kind: K, message: Shown<K> | undefined): Promise<void> {
    const view = views[kind];
    const shown = present(message, kind);
    await this.world.out(this.isJson ? toJson(view.describe(shown)) : this.#rows(view.headers, [view.cells(shown)]));
  }

  async list<K extends Kind>(kind: K, messages: ReadonlyArray<Shown<K>>): Promise<void> {
    const view = views[kind];
    const text = this.isJson
      ? toJson(messages.map((message) => view.describe(message)))
      : this.#rows(
          view.headers,
          messages.map((message) => view.cells(message)),
        );
    await this.world.out(text);
  }

  #rows(headers: readonly string[], rows: readonly string[][]): string {
    return this.format === "tsv" ? tsv(rows) : table(headers, rows);
  }

  describe<K extends Kind>(kind: K, message: Shown<K>): Record<string, unknown> {
    return views[kind].describe(message);
  }

  async json(value: unknown): Promise<void> {
    await this.world.out(toJson(value));
  }

  close(): void {
    this.connection.close();
  }
}

/** A response without its resource is the coordinator's mistake. */
export function present<T>(message: T | undefined, kind: string): T {
  if (message === undefined) throw new Failure(exitCode.failed, `the coordinator answered without the ${kind}`);
  return message;
}

export function openSession(world: World, settings: Profile): Session {
  const address = addressOf(settings.coordinator ?? defaultAddress);
  const output = outputFormats.find((format) => format === (settings.output ?? "table"));
  if (output === undefined) throw usage(`output "${settings.output}": there are ${outputFormats.join(", ")}`);
  const own = ownCertificate(settings);
  const token = own && settings.token === undefined && settings.tokenFile === undefined ? undefined : tokenOf(settings);
  const metadata = token === undefined ? new Metadata() : bearer(token);
  // Of a program that traces what it does, this call included.
  const traceParent = world.environment.TRACEPARENT;
  if (traceParent !== undefined && /^[0-9a-f-]{55}$/.test(traceParent)) metadata.set("traceparent", traceParent);
  const authority = authorityOf(settings);
  const shown = own && { certificate: own.certificate, key: own.key };
  const credential = authority === undefined ? plain(metadata) : trusting({ authority, ...shown }, metadata);
  return new Session(address, connect(address, credential), world, output === "jsonc" ? "json" : output, own);
}

function tokenOf({ token, tokenFile }: Profile): string | undefined {
  if (token !== undefined) return checkedToken(token, "STOKER_TOKEN or the profile's token");
  if (tokenFile !== undefined) return checkedToken(contentOf(tokenFile), `token file ${tokenFile}`);
  if (!existsSync(localTokenPath)) return undefined;
  try {
    return readFileSync(localTokenPath, "utf8").trim();
  } catch (error) {
    // Another user's: go on without, and the coordinator says what it wants.
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new Failure(
      exitCode.unreachable,
      `token file ${path}: ${reason}; copy the file \`token\` of the coordinator's data folder`,
    );
  }
}

/** Anything else would not pass as a header. */
function checkedToken(text: string, where: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Failure(
    exitCode.unreachable,
    `${where}: expected the coordinator's token, one word of printable characters`,
  );
}
