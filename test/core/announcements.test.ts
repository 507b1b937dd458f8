import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { knownSince } from "../../coordinator/core/announcements/announce.js";
import { announcementKinds } from "../../coordinator/core/announcements/kinds.js";
import { wants } from "../../coordinator/core/announcements/subscription.js";
import { admitTemplate, filled } from "../../coordinator/core/announcements/template.js";
import type { SubscriptionCreate } from "../../coordinator/core/events.js";
import { defaultSettings } from "../../coordinator/core/settings.js";
import { HeartbeatSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { subscriptionId, workspaceId } from "../../shared/ids.js";
import { CoreWorld, exited, ready, uuid } from "../build.js";

const webhook = {
  kind: "webhook",
  url: "https://hooks.lab/x",
  format: "cloudevents",
  template: "",
  secret: "",
  local: false,
} as const;

class Told extends CoreWorld {
  site(): void {
    this.workspace();
    this.experiment();
    this.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
    this.hello("a", { gpus: 1 });
  }

  subscribe(name: string, more: Partial<SubscriptionCreate> = {}) {
    const id = subscriptionId(this.fresh());
    this.send({ kind: "subscription-create", uuid: id, name, owner: "ann", kinds: [], target: webhook, ...more });
    return id;
  }

  get outgoing() {
    return [...this.state.outgoing.values()];
  }

  get kinds() {
    return this.outgoing.map(({ kind }) => kind);
  }

  lease(name: string): string {
    const state = this.job(name)?.state;
    if (!state || !("lease" in state)) throw new Error("it has no lease");
    return state.lease.id;
  }

  run(name: string, exit: number): void {
    this.submit(name, {});
    this.report("a", this.lease(name), ready);
    this.report("a", this.lease(name), exited(0, exit));
    const lease = this.lease(name);
    this.report("a", lease, { case: "done", value: {} });
  }
}

it("what happens to a job is told of in its order, with what one asks about it, in the same commit", () => {
  const world = new Told();
  world.site();
  world.subscribe("all");
  world.run("j", 3);
  expect(world.kinds).toEqual(["job-queued", "job-started", "job-failed"]);
  const failed = world.outgoing[2];
  expect(failed).toMatchObject({
    subject: "workspaces/w/experiments/e/jobs/j",
    message: expect.stringMatching(
      /^job j has failed: Job failed with non-zero exit code: rank 0 ended with exit code 3/,
    ),
    data: { job: "j", workspace: "w", nodes: "a", exitCode: 3, attempt: 1 },
    pending: [expect.any(String)],
  });
  const { changes, effects } = world.submit("k", {});
  expect(changes.filter((change) => change.kind === "put" && change.table === "outgoing")).toHaveLength(1);
  expect(effects).toContainEqual({ kind: "announcement", number: 4 });
});

it("nobody's subscription costs no row, and what was told is known all the same", () => {
  const world = new Told();
  world.site();
  world.run("j", 0);
  expect(world.outgoing).toEqual([]);
  expect(knownSince(world.state, 0).map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["node-joined", "cluster-created", "job-queued", "job-started", "job-succeeded"]),
  );
});

it("a restart keeps what was not delivered, and tells nothing twice", () => {
  const world = new Told();
  world.site();
  const all = world.subscribe("all");
  world.run("j", 0);
  world.send({ kind: "delivered", number: 1, subscription: all, outcome: "delivered" });
  const before = world.outgoing;
  world.restart();
  expect(world.outgoing).toEqual(before);
  expect(world.outgoing.map(({ pending }) => pending.length)).toEqual([0, 1, 1]);
  world.hello("a", { gpus: 1 });
  expect(world.kinds).toEqual(["job-queued", "job-started", "job-succeeded"]);
  world.submit("k", {});
  expect(world.outgoing.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
});

it("a subscription takes the kinds, the workspace, experiment and job that it names, and no others", () => {
  const world = new Told();
  world.site();
  world.send({ kind: "workspace-create", uuid: workspaceId(uuid(900)), name: "other", tags: {}, location: "" });
  world.subscribe("kinds", { kinds: ["job-failed"] });
  world.subscribe("other", { workspace: "workspaces/other" });
  world.subscribe("own", { workspace: "workspaces/w" });
  world.run("j", 0);
  world.subscribe("job", { workspace: "workspaces/w", job: "workspaces/w/experiments/e/jobs/j" });
  world.run("k", 1);
  const names = new Map([...world.state.subscriptions.values()].map(({ uuid: id, name }) => [id, name]));
  const got = world.outgoing.map(({ kind, pending }) => [kind, ...pending.map((id) => names.get(id))]);
  expect(got).toEqual([
    ["job-queued", "own"],
    ["job-started", "own"],
    ["job-succeeded", "own"],
    ["job-queued", "own"],
    ["job-started", "own"],
    ["job-failed", "kinds", "own"],
  ]);
});

it("--mine takes the jobs that one has submitted oneself", () => {
  const world = new Told();
  world.site();
  world.subscribe("mine", { submitter: "ann", kinds: ["job-queued"] });
  world.submit("j", {});
  expect(world.outgoing).toEqual([]);
  const scope = { workspace: workspaceId(uuid(1)), submitter: "ann" };
  const [own] = [...world.state.subscriptions.values()];
  const event = { id: "x", kind: "job-queued", at: 0, subject: "", message: "", data: {} } as const;
  expect(own && wants(own, { ...event, scope })).toBe(true);
  expect(own && wants(own, { ...event, scope: { ...scope, submitter: "bob" } })).toBe(false);
});

it("nodes and GPUs that fail and come back are told of, once", () => {
  const world = new Told();
  world.site();
  world.subscribe("all", {
    kinds: ["node-lost", "node-returned", "gpu-failed", "gpu-returned", "node-unusable", "node-usable"],
  });
  const faulty = (sequence: bigint, gpuFaults: object[], unhealthyReason = "") =>
    world.send({
      kind: "agent-heartbeat",
      session: "s1",
      node: "a",
      heartbeat: create(HeartbeatSchema, { sequence, gpuFaults, unhealthyReason } as never),
    });
  const fault = { uuid: "a-gpu-0", state: "failed", rule: "xid", message: "it fell off the bus" };
  faulty(1n, [fault]);
  faulty(2n, [fault]);
  faulty(3n, []);
  faulty(4n, [], "nvidia-smi hangs");
  faulty(5n, []);
  for (let second = 0; second < 40; second += 1) {
    world.now += 1_000;
    world.send({ kind: "tick" });
  }
  world.hello("a", { gpus: 1 });
  expect(world.outgoing.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
    "gpu-failed: node a has a fault: GPU 0 (a-gpu-0) has failed: it fell off the bus",
    "gpu-returned: node a has GPU a-gpu-0 back: it is healthy again",
    "node-unusable: node a is unusable: nvidia-smi hangs",
    "node-usable: node a can take work again",
    "node-lost: node a is lost: its agent has fallen silent",
    "node-returned: node a is back",
  ]);
});

it("a job that waits for too long is told of once, with the reason, and so is a cluster that is short", () => {
  const world = new Told({ ...defaultSettings, waitingLongMs: 600_000 });
  world.site();
  world.subscribe("waits", { kinds: ["job-waiting", "cluster-short"] });
  world.cluster("big", { scaleSettings: { manual: { targetNodeCount: 3 } } });
  world.submit("j", { cluster: { id: "big" } });
  for (let minute = 0; minute < 30; minute += 1) {
    world.now += 60_000;
    world.send({ kind: "tick" });
    if (minute === 20) world.restart();
  }
  expect(world.kinds.sort()).toEqual(["cluster-short", "job-waiting"].sort());
  const waiting = world.outgoing.find(({ kind }) => kind === "job-waiting");
  expect(waiting?.message).toMatch(/^job j has waited for 1\d minutes: \S/);
});

it("the outbox is bounded: the oldest make room, and who waited for them is told how many it missed", () => {
  const world = new Told();
  world.checked = false;
  world.site();
  const all = world.subscribe("all", { kinds: ["certificate-expiring"] });
  for (let at = 0; at < 10_005; at += 1) {
    const told = { what: "certificate-expiring", key: String(at), message: "soon", data: {} } as const;
    world.send({ kind: "announce", told });
  }
  expect(world.state.outgoing.size).toBe(10_000);
  expect(world.state.subscriptions.get(all)).toMatchObject({ missed: 5, missedEver: 5 });
  world.send({ kind: "delivered", number: 6, subscription: all, outcome: "given-up" });
  expect(world.state.subscriptions.get(all)?.missed).toBe(6);
  world.send({ kind: "delivered", number: 7, subscription: all, outcome: "delivered" });
  expect(world.state.subscriptions.get(all)).toMatchObject({ missed: 0, missedEver: 6 });
  world.now += 8 * 86_400_000;
  for (let minute = 0; minute < 102; minute += 1) {
    world.now += 60_000;
    world.send({ kind: "tick" });
  }
  expect(world.state.outgoing.size).toBe(0);
  world.restart();
  world.send({ kind: "announce", told: { what: "certificate-expiring", key: "again", message: "soon", data: {} } });
  expect(world.state.outgoing.size).toBe(1);
});

it("a subscription that can't be is refused with the field and what to do", () => {
  const world = new Told();
  world.site();
  world.subscribe("one");
  expect(() => world.subscribe("one")).toThrow(/exists: delete it first/);
  expect(() => world.subscribe("a", { kinds: ["job-fails"] })).toThrow(/kinds\[0\]: "job-fails" is none of job-queued/);
  expect(() => world.subscribe("a", { workspace: "workspaces/none" })).toThrow(/not found/);
  const mail = (address: string, template = "") => ({ kind: "mail", addresses: [address], template }) as const;
  expect(() => world.subscribe("a", { target: mail("x@y\nBcc: z@y") })).toThrow(/not a mail address/);
  expect(() => world.subscribe("a", { target: mail("x@y", "just text") })).toThrow(/must begin with a line `Subject/);
  expect(() => world.subscribe("a", { target: { ...webhook, secret: "key" } })).toThrow(
    /names a secret's workspace too/,
  );
  expect(() => world.subscribe("a", { workspace: "workspaces/w", target: { ...webhook, secret: "key" } })).toThrow(
    /there is no secret key in workspace w/,
  );
  const job = "workspaces/w/experiments/e";
  expect(() => world.subscribe("a", { experiment: job })).toThrow(/workspaceId: is not that of the job or experiment/);
  world.send({ kind: "workspace-create", uuid: workspaceId(uuid(900)), name: "v", tags: {}, location: "" });
  world.send({ kind: "secret-set", workspace: workspaceId(uuid(900)), name: "key", sealed: "x" });
  const foreign = { ...webhook, secret: "stoker://v/key" };
  expect(() => world.subscribe("a", { workspace: "workspaces/w", target: foreign })).toThrow(/takes its own alone/);
  // Whether there is such a workspace, job or secret is not told.
  const nowhere = { ...webhook, secret: "stoker://u/key" };
  expect(() => world.subscribe("a", { workspace: "workspaces/w", target: nowhere })).toThrow(/takes its own alone/);
  for (const name of ["v", "u"]) {
    const ids = { workspace: "workspaces/w", experiment: `workspaces/${name}/experiments/e` };
    expect(() => world.subscribe("a", ids)).toThrow(/workspaceId: is not that of/);
    expect(() => world.subscribe("a", { ...ids, job: `${ids.experiment}/jobs/j` })).toThrow(
      /workspaceId: is not that of/,
    );
  }
  world.subscribe("lab", { target: foreign });
  expect(() => world.subscribe("a", { target: { ...webhook, format: "template", template: "${jobname}" } })).toThrow(
    /webhook\.template: there is no field "jobname"; there are id, kind/,
  );
});

it("a subscription to what is gone goes when nothing is left to deliver", () => {
  const world = new Told();
  world.site();
  world.run("j", 0);
  const one = world.subscribe("job", { workspace: "workspaces/w", job: "workspaces/w/experiments/e/jobs/j" });
  world.send({ kind: "job-delete", id: "workspaces/w/experiments/e/jobs/j" });
  world.now += 60_000;
  world.send({ kind: "tick" });
  expect(world.state.subscriptions.has(one)).toBe(false);
});

it("templates take the fields that events have, and nothing else", () => {
  expect(filled("$$5 ${job}: ${exitCode}${gpu}", { job: "j", exitCode: 0 })).toBe("$5 j: 0");
  expect(() => admitTemplate("t", "costs $5")).toThrow(/begins no \$\{field\}/);
  expect(() => admitTemplate("t", "${constructor}")).toThrow(/there is no field "constructor"/);
  expect(admitTemplate("t", "${kind} ${reason}")).toBe("${kind} ${reason}");
  expect(Object.keys(announcementKinds)).toContain("job-failed");
});
