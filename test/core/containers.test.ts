import { describe, expect, it, test } from "vitest";
import type { Effect } from "../../coordinator/core/effects.js";
import { explain } from "../../coordinator/core/explain.js";
import { CoreWorld, done, type JobInit } from "../build.js";

const contained = { containerSettings: { imageSourceRegistry: { image: "tensorflow/tensorflow:1.8.0-gpu" } } };

/** Cluster `c` of the nodes that have said hello. */
function lab(nodes = 2): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: nodes } } });
  return world;
}

const states = (world: CoreWorld) => [...world.state.jobs.values()].map(({ name, state }) => `${name} ${state.kind}`);
const nodesOf = (world: CoreWorld, name: string) => {
  const state = world.job(name)?.state;
  return state && "lease" in state ? state.lease.shares.map(({ nodeName }) => nodeName) : [];
};

describe("a job with container settings", () => {
  it("waits for a machine with a runtime, says so, and lets others go before it", () => {
    const world = lab();
    world.hello("a");
    world.hello("b");
    world.submit("boxed", contained);
    world.submit("plain", {});
    expect(states(world)).toEqual(["boxed queued", "plain preparing"]);
    const job = world.job("boxed");
    if (!job) throw new Error("there is no job");
    const messages = explain(world.state, job, world.now).reasons.map(({ check, message }) => `${check}: ${message}`);
    expect(messages).toContain(
      "containers: each of 2 nodes has no container runtime: install podman, docker or apptainer there and restart its agent",
    );
  });

  it("starts when an agent comes that has one, and only there", () => {
    const world = lab();
    world.hello("a");
    world.hello("b");
    world.submit("boxed", contained);
    world.hello("b", { containers: "podman" });
    expect(nodesOf(world, "boxed")).toEqual(["b"]);
  });
});

test("an image that one node can't have is tried on another, and then fails the job", () => {
  const world = lab();
  world.hello("a", { containers: "podman" });
  world.hello("b", { containers: "podman" });
  world.submit("boxed", contained);
  const fault = { code: "FailedStartingContainer", message: "no such image", details: [] };
  const [first = ""] = nodesOf(world, "boxed");
  const failed = (attempt: number) => {
    const [node = ""] = nodesOf(world, "boxed");
    const lease = `${world.job("boxed")?.uuid}.${attempt}`;
    world.report(node, lease, { case: "failed", value: { error: fault } });
    world.report(node, lease, done);
  };
  failed(1);
  expect(nodesOf(world, "boxed")).not.toEqual([first]);
  failed(2);
  expect(world.job("boxed")?.state).toMatchObject({
    kind: "finished",
    outcome: { kind: "failed", exitCode: -1, errors: [{ code: fault.code, message: fault.message }] },
  });
});

test("the plan holds image, credentials as they are, bytes of shared memory and input paths", () => {
  const world = lab();
  world.hello("a", { containers: "docker" });
  world.hello("b", { containers: "docker" });
  const spec: JobInit = {
    inputDirectories: [{ id: "DATA", path: "/sets/$AZ_BATCH_MASTER_NODE" }],
    containerSettings: {
      shmSize: "16gb",
      imageSourceRegistry: {
        serverUrl: "nvcr.io",
        image: "nvcr.io/nvidia/caffe:18.01",
        credentials: { username: "$oauthtoken", password: "$PATH" },
      },
    },
  };
  const { effects } = world.submit("j", spec);
  const [grant] = effects.flatMap((effect: Effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  expect(grant?.container).toEqual({
    image: "nvcr.io/nvidia/caffe:18.01",
    serverUrl: "nvcr.io",
    username: "$oauthtoken",
    password: "$PATH",
    shmSizeBytes: 16n << 30n,
    directories: ["/sets/$AZ_BATCH_MASTER_NODE"],
  });
  expect(granted({}, world)?.container).toBeUndefined();
});

function granted(spec: JobInit, world: CoreWorld) {
  const { effects } = world.submit("other", spec);
  return effects.flatMap((effect: Effect) => (effect.kind === "grant-lease" ? [effect.grant] : []))[0];
}

const image = (name: string, serverUrl = "") => ({
  containerSettings: { imageSourceRegistry: { image: name, serverUrl } },
});

test.each<[JobInit, RegExp]>([
  [image("--privileged"), /^containerSettings.imageSourceRegistry.image: "--privileged" is not an image's name/],
  [image("a b"), /is not an image's name/],
  [image("a", "-x"), /^containerSettings.imageSourceRegistry.serverUrl: "-x" is not a registry/],
  [{ containerSettings: { shmSize: "much", imageSourceRegistry: { image: "a" } } }, /^containerSettings.shmSize: /],
])("%j is refused", (spec, message) => {
  const world = lab();
  expect(() => world.submit("j", spec)).toThrow(message);
});
