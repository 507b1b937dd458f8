import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RelayRequest, RelayResponseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { FileEntry, FileHead, OpenRelaySchema } from "../../shared/gen/stoker/v1/relay_pb.js";
import type { CallContext } from "../../shared/grpc.js";
import type { JobId, SubscriptionId, TokenId } from "../../shared/ids.js";
import type { AuditEntry } from "../core/access/audit.js";
import type { SubjectSignIn } from "../core/access/events.js";
import type { Announcement } from "../core/announcements/announcement.js";
import type { GpuCurves } from "../core/efficiency-curves.js";
import type { ApiEvent } from "../core/events.js";
import type { Directory as FileDirectory } from "../core/files/sources.js";
import type { State } from "../core/memory.js";
import type { Attempt as AttemptRow, Job as JobRow } from "../core/state.js";

/** What the RPCs need of the rest of the coordinator. */
export interface ApiPorts {
  /** Valid until the next await. */
  state(): State;
  /** Wall clock of the engine, in milliseconds. */
  now(): number;
  /** Why nothing can be changed at present, as when the disk is full; undefined when it can. */
  readOnly(): string | undefined;
  health(): Health;
  /**
   * Resolves with the UUID of what the event was about, once it is on disk, and with it in the audit log who has asked.
   * `target`: what it is about, of a call that is about several.
   */
  ask(event: ApiEvent, context: CallContext, target?: string): Promise<string | undefined>;
  /** A value that can be opened only where it is sent to an agent, and only as this secret's. */
  seal(key: string, value: string): string;
  telemetry(node: string): Telemetry | undefined;
  /** What the node measured between two times; undefined when nothing is known. `gpus`: uuids. */
  history(
    node: string,
    gpus: readonly string[],
    range: { from: number; to: number; steps: number },
  ): NodeHistoryRead | undefined;
  /** What an attempt made of its GPUs. */
  curves(attempt: AttemptRow): readonly GpuCurves[];
  feed: JobFeed;
  logs: LogSource;
  relays: NodeRelays;
  access: AccessPorts;
  audit: AuditSource;
  files: FileSource;
  links: FileLinks;
  events: EventPorts;
  certificates: Certificates;
}

/** How machines become nodes, and users get certificates. Each throws a Fault where connections are not encrypted. */
export interface Certificates {
  /** What the request asks for, if it asks for this node, whose key at NATS is one. */
  issue(node: string, request: string, natsKey: string): Promise<{ certificate: string; keyHash: string }>;
  /** `credential`: its UUID in the catalog, which alone makes it count. */
  issueToUser(asked: {
    user: string;
    credential: string;
    request: string;
    endsAt: number;
  }): Promise<{ certificate: string; keyHash: string }>;
  /** SHA-256 of our authority's certificate. */
  pin(): Buffer;
  /** Where machines reach us, as `host:port`. */
  address(): string;
}

/** How people show who they are. */
export interface AccessPorts {
  /** What a password is kept as. */
  hash(password: string): Promise<string>;
  /** Throws a Fault when it is wrong, there is nobody of that name, or there were too many wrong ones. */
  checkPassword(name: string, password: string, peer: string): Promise<void>;
  newToken(): { secret: string; hash: string };
  /** Absent: there is none. */
  identityProvider?: {
    settings: { issuer: string; clientId: string; scopes: string };
    /** Throws a Fault when the provider has not said so. */
    identify(idToken: string): Promise<SubjectIdentity>;
  };
  /** How long what a sign-in gives is good. */
  signInLifeMs: number;
  /** How long one certificate of a user is good, which is renewed while its user may. */
  userCertificateLifeMs: number;
  credential(caller: CallContext["caller"]): string;
  /** When it was used last, if that is later than what its row says. */
  usedAt(token: TokenId): number | undefined;
}

export type SubjectIdentity = Pick<SubjectSignIn, "subject" | "name" | "displayName" | "groups">;

export interface AuditSource {
  read(query: AuditQuery): { entries: AuditEntry[]; lookedAt: number | undefined; isLast: boolean };
}

export interface AuditQuery {
  newestFirst: boolean;
  /** Goes on after this entry. */
  after?: number | undefined;
  most: number;
  user?: string | undefined;
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
  /** A part of it, in any letter case. */
  verb?: string | undefined;
  /** The beginning of it. */
  target?: string | undefined;
  outcome?: string | undefined;
}

/** Those who are told of events. */
export interface EventPorts {
  /** Undefined before anything was to be sent. */
  status(subscription: SubscriptionId): DeliveryStatus | undefined;
  /** Sends it now. */
  test(subscription: SubscriptionId, event: Announcement): Promise<{ delivered: boolean; result: string }>;
  /** Throws a Fault when it can't be a webhook's. */
  admitUrl(url: string, local: boolean): void;
  /** Throws a Fault when no mails are sent here. */
  admitMail(): void;
  /** The caller may have the coordinator speak to its own machine. */
  mayReachOwn(context: CallContext): boolean;
}

export interface DeliveryStatus {
  waiting: number;
  delivered: number;
  lastDeliveryAt?: number;
  lastError?: string;
  nextTryAt?: number;
}

export interface NodeHistoryRead {
  from: number;
  stepMs: number;
  series: ReadonlyArray<{ name: string; means: number[]; mosts: number[] }>;
}

type FromAgent = Exclude<RelayRequest["message"], { case: undefined | "hello" | "refusal" }>;
type ToAgent = NonNullable<MessageInitShape<typeof RelayResponseSchema>["message"]>;

/** Of this coordinator's own parts. */
export interface Health {
  startedAt: number;
  /** Why logs don't come in. */
  natsProblem?: string;
}

/** Streams to agents, each for one user. */
export interface NodeRelays {
  /** Rejects with a Fault when the node can't be reached. To be closed. */
  ask(
    node: string,
    purpose: NonNullable<MessageInitShape<typeof OpenRelaySchema>["purpose"]>,
    signal: AbortSignal,
  ): Promise<NodeRelay>;
}

export interface NodeRelay {
  /** Throws a Fault when the agent refuses or goes away. */
  messages(): AsyncGenerator<FromAgent>;
  /** Resolves when the agent can take more. */
  send(message: ToAgent): Promise<void>;
  /** Resolves when the agent has ended its side. */
  finished(): Promise<void>;
  close(): void;
}

export interface ListedFile {
  entry: FileEntry;
  /** On whose own disk, when several may have some; "" for what any node finds. */
  node: string;
}

export interface OpenFile extends Disposable {
  head: FileHead;
  bytes: AsyncGenerator<Uint8Array>;
}

export interface ReadRange {
  offset: bigint;
  length?: bigint | undefined;
  /** On whose own disk; "" for any that has it. */
  node: string;
  /** Goes on as the file grows, until this resolves. */
  until?: Promise<void>;
}

/** Files in the directories of jobs and setup tasks. */
export interface FileSource {
  list(
    directory: FileDirectory,
    path: string,
    page: { most: number; after: string },
    signal: AbortSignal,
  ): Promise<ListedFile[]>;
  open(directory: FileDirectory, path: string, range: ReadRange, signal: AbortSignal): Promise<OpenFile>;
}

/** Time-limited links to files. */
export interface FileLinks {
  /** As who knows us by `authority` (`host:port`) reaches it; undefined where no links are given. */
  url(
    link: { directory: FileDirectory; path: string; node: string; expiresAt: number },
    authority: string,
  ): string | undefined;
}

export interface JobFeed {
  /** Calls the listener after each change of the job (its row, attempts or place), and when it is deleted. */
  listen(job: JobId, listener: () => void): () => void;
  /** Calls the listener once, soon, after others that were there before; not when it has stopped listening by then. */
  tell(listener: () => void): void;
}

export interface LogStreamAddress {
  jobUuid: string;
  attempt: number;
  rank: number;
  stream: "stdout" | "stderr";
}

export interface LogSource {
  /** Bytes that would survive a power cut. */
  safeLength(address: LogStreamAddress): number;
  read(address: LogStreamAddress, offset: number): AsyncIterable<{ offset: number; data: Uint8Array }>;
  /** Calls the listener at each growth of any stream of the job. */
  listen(jobUuid: string, listener: (address: LogStreamAddress, length: number) => void): () => void;
}

export type { AttemptRow, FileDirectory, JobRow };
