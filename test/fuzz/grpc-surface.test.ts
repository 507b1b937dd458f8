import { type DescMethod, type DescService, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Catalog } from "../../coordinator/catalog/catalog.js";
import { load } from "../../coordinator/core/apply.js";
import { brokenLaws } from "../../coordinator/core/invariants.js";
import { emptyState } from "../../coordinator/core/memory.js";
import { defaultSettings } from "../../coordinator/core/settings.js";
import { keyPlace, openVault } from "../../coordinator/secrets/key-file.js";
import { bearer } from "../../shared/credentials.js";
import { AgentService, RelayRequestSchema, SessionRequestSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { AuditService } from "../../shared/gen/stoker/v1/audit_service_pb.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../../shared/gen/stoker/v1/file_server_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { MachineClassService } from "../../shared/gen/stoker/v1/machine_class_service_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { RoleService } from "../../shared/gen/stoker/v1/role_service_pb.js";
import { SecretService } from "../../shared/gen/stoker/v1/secret_service_pb.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { StatusService } from "../../shared/gen/stoker/v1/status_service_pb.js";
import { StorageService } from "../../shared/gen/stoker/v1/storage_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { FakeAgent } from "../fakes/agent.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";
import { mutated } from "./arbitraries/bytes.js";
import { message } from "./arbitraries/message.js";
import { RawCalls } from "./raw-calls.js";
import { checkAsync, sampled } from "./runs.js";

/** A real coordinator, every RPC, any messages: always a status, never one that says "our own failure", and it goes on serving. */

const services: DescService[] = [
  ...[WorkspaceService, ClusterService, FileServerService, ExperimentService],
  ...[JobService, NodeService, StatusService, StorageService, SecretService, MachineClassService, AgentService],
  ...[SignInService, UserService, RoleService, AuditService],
];
const methods = services.flatMap((service) => service.methods.map((method) => ({ service, method })));

const coordinator = new CoordinatorProcess();
let calls: RawCalls;
let agents: FakeAgent[] = [];

beforeAll(async () => {
  await coordinator.start();
  await coordinator.furnish();
  calls = new RawCalls(coordinator.address, bearer(coordinator.token));
  agents = ["a", "b"].map((name) => {
    const agent = new FakeAgent(coordinator.address, coordinator.token);
    agent.hello(name, { address: `host-${name}` });
    let taken = 0;
    agent.takeRelays(name, () => relayTalk[taken++ % relayTalk.length] ?? []);
    return agent;
  });
  for (const agent of agents) await agent.hears("welcome");
  await coordinator.jobs.createJob({ ...inExperiment, name: "running", spec: tinyJob() });
}, 60_000);

afterAll(async () => {
  calls.close();
  for (const agent of agents) agent.close();
  await coordinator.dispose();
});

const id = fc.constantFrom(
  ...[
    "workspaces/w",
    "workspaces/w/clusters/c",
    "workspaces/w/experiments/e",
    "workspaces/w/experiments/e/jobs/running",
  ],
  ...["nodes/a", "a", "workspaces/none"],
);
const likely = {
  ...{
    id,
    parent: fc.constantFrom("workspaces/w", "workspaces/w/experiments/e"),
    name: fc.constantFrom("x", "y", "running"),
  },
  ...{
    pageSize: fc.constantFrom(0, 1, 1_000),
    nodeCount: fc.constant(1),
    cluster: fc.constant({ id: "c" }),
    vmSize: fc.constant("any"),
  },
  ...{ nodeName: fc.constantFrom("a", "b", "n"), leaseId: fc.uuid().map((uuid) => `${uuid}.1`), follow: fc.boolean() },
  ...{ inventory: fc.constant({ machineClass: "any", cpus: 2, memoryBytes: 1n << 32n }) },
};

/** What the agents say to users of their nodes: now and then it is an answer, or a refusal. */
const relayTalk = sampled(
  fc.array(message(RelayRequestSchema, { likely, textMost: 3_000 }), { maxLength: 4 }),
  200,
).map((said) => said.map((each) => each.message));

function requests({ method }: { method: DescMethod }): fc.Arbitrary<Uint8Array[]> {
  const one = message(method.input, { likely, textMost: 3_000 }).map((request) => toBinary(method.input, request));
  const any = fc.oneof(
    { weight: 3, arbitrary: one },
    { weight: 2, arbitrary: mutated(one) },
    fc.uint8Array({ maxLength: 60 }),
  );
  return method.methodKind === "bidi_streaming"
    ? fc.array(any, { minLength: 1, maxLength: 10 })
    : any.map((each) => [each]);
}

const statuses = new Set(Object.values(status).filter((each) => typeof each === "number"));

function mustBeAnswer({ code, details }: { code: status; details: string }): void {
  expect(statuses).toContain(code);
  expect([status.INTERNAL, status.UNKNOWN, status.DATA_LOSS, status.DEADLINE_EXCEEDED], details).not.toContain(code);
  expect(details.length).toBeLessThan(5_000);
}

async function mustServe(): Promise<void> {
  await coordinator.client(WorkspaceService).listWorkspaces({}, { timeoutMs: 20_000 });
  expect(coordinator.output).not.toContain("a call failed");
  expect(coordinator.output).not.toContain('"level":60');
}

test("every method answers every message with a status", { timeout: 600_000 }, async () => {
  const batch = fc.constantFrom(...methods).chain((each) => fc.tuple(fc.constant(each), requests(each)));
  await checkAsync(
    fc.asyncProperty(fc.array(batch, { minLength: 30, maxLength: 30 }), async (wanted) => {
      const answers = await Promise.all(
        wanted.map(([{ service, method }, bytes]) => calls.call(service, method, bytes)),
      );
      for (const answer of answers) mustBeAnswer(answer);
      await mustServe();
    }),
    25,
  );
});

test("each method, nothing and itself mutated", { timeout: 600_000 }, async () => {
  for (const { service, method } of methods) mustBeAnswer(await calls.call(service, method, [new Uint8Array()]));
  await mustServe();
});

test("an agent may say anything, also about what others hold", { timeout: 600_000 }, async () => {
  // What there was may have been deleted by now.
  const parent = await coordinator.furnish("later");
  const { job } = await coordinator.jobs.createJob({ parent, name: "wanted", spec: tinyJob() });
  const lease = `${job?.uuid}.1`;
  const wild = message(SessionRequestSchema, {
    likely: {
      ...likely,
      leaseId: fc.constant(lease),
      sequence: fc.bigInt({ min: 0n, max: 9n }),
      requestId: fc.constantFrom("1".repeat(32), "x"),
    },
  });
  await checkAsync(
    fc.asyncProperty(fc.array(wild, { minLength: 1, maxLength: 30 }), fc.boolean(), async (messages, twice) => {
      const agent = new FakeAgent(coordinator.address, coordinator.token);
      agent.hello("mallory", { address: "elsewhere" });
      for (const { message: each } of messages) {
        if (each.case === "hello") continue;
        agent.send(each);
        if (twice) agent.send(each);
      }
      await agent.hears("welcome");
      await mustServe();
      agent.close();
    }),
    12,
  );
});

test("what all that left on disk keeps the laws", { timeout: 60_000 }, async () => {
  // Killed, it would leave its NATS behind.
  await coordinator.end("SIGTERM");
  const state = emptyState(defaultSettings, Date.now());
  using catalog = Catalog.open(coordinator.dataDir, openVault(keyPlace(undefined, coordinator.dataDir, {})));
  load(state, catalog.load());
  expect(state.workspaces.size).toBeGreaterThan(0);
  expect(brokenLaws(state)).toEqual([]);
});
