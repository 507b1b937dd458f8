import { create, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { explain } from "../../coordinator/core/explain.js";
import { conditionOf } from "../../coordinator/core/preparation/condition.js";
import { clusterFaults } from "../../coordinator/core/queries.js";
import { withOpened } from "../../coordinator/core/secrets/reference.js";
import type { Step } from "../../coordinator/core/step.js";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { type MountVolumes, MountVolumesSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { CoreWorld, done, exited, type JobInit, ready } from "../build.js";

/** Cluster `c` of node a; workspaces `w` and `other`. */
function lab(): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.workspace("other");
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 1 } } });
  world.hello("a");
  return world;
}

function workspaceOf(world: CoreWorld, name: string) {
  const uuid = world.state.index.workspaceByName.get(name);
  if (uuid === undefined) throw new Error(`there is no workspace ${name}`);
  return uuid;
}

const set = (world: CoreWorld, name: string, sealed: string, workspace = "w") =>
  world.send({ kind: "secret-set", workspace: workspaceOf(world, workspace), name, sealed });
const remove = (world: CoreWorld, name: string) =>
  world.send({ kind: "secret-delete", id: `workspaces/w/secrets/${name}` });

const variable = (secretUrl: string): JobInit => ({
  secrets: [{ name: "KEY", valueSecretReference: { secretUrl, sourceVault: { id: "/subscriptions/s/vault" } } }],
});

/** What the agent is told, with what was sealed in brackets: the shell would put the value there. */
function granted({ effects }: Step) {
  const [grant] = effects.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant] : []));
  return grant && withOpened(grant, (key, sealed) => `[${key.split(" ")[1]}=${sealed}]`);
}

describe("a reference", () => {
  it.each([
    ["a name of the job's workspace", "api-key", "[api-key=own]"],
    ["another workspace's", "stoker://other/api-key", "[api-key=others]"],
    ["a key vault's", "https://my-vault.vault.azure.net/secrets/api-key", "[api-key=own]"],
    ["a key vault's with a version", "https://v.vault.azure.net/secrets/api-key/0123456789abcdef", "[api-key=own]"],
  ])("to %s becomes the value that the agent gets", (_, url, value) => {
    const world = lab();
    set(world, "api-key", "own");
    set(world, "api-key", "others", "other");
    expect(granted(world.submit("j", variable(url)))?.secrets).toEqual([{ name: "KEY", value }]);
  });

  it("in any place of a job is looked up; the core holds no more than the reference", () => {
    const world = lab();
    set(world, "s", "xyz");
    const passwordSecretReference = { secretUrl: "s" };
    const credentials = { accountKeySecretReference: { secretUrl: "s" } };
    world.cluster("empty", {});
    world.submit("j", {
      cluster: { id: "empty" },
      ...variable("s"),
      containerSettings: {
        imageSourceRegistry: { image: "i", credentials: { username: "$oauthtoken", passwordSecretReference } },
      },
      mountVolumes: {
        azureFileShares: [{ azureFileUrl: "https://a.file.core.windows.net/s", relativeMountPath: "f", credentials }],
        azureBlobFileSystems: [{ accountName: "a", containerName: "c", relativeMountPath: "b", credentials }],
      },
    } as JobInit);
    const spec = world.job("j")?.spec;
    if (!spec) throw new Error("the job is not there");
    const opened = withOpened(spec, (key, sealed) => `[${key.split(" ")[1]}=${sealed}]`);
    expect(toJsonString(JobSpecSchema, opened).match(/\[s=undefined\]/g)).toHaveLength(4);
    expect(JSON.stringify(world.job("j"))).not.toContain("xyz");
  });

  it("that nothing answers to is refused with the command that helps", () => {
    const world = lab();
    const submit = (url: string) => () => world.submit("j", variable(url));
    expect(submit("none")).toThrow(
      /secrets\[0\]\.valueSecretReference\.secretUrl: there is no secret none in workspace w: `stoker secret set -w w none`/,
    );
    expect(submit("stoker://nowhere/x")).toThrow(/workspace workspaces\/nowhere is not found/);
    expect(submit("ftp://x/y")).toThrow(/is none of NAME, stoker:\/\/WORKSPACE\/NAME and https/);
    expect(submit("")).toThrow(/secretUrl: is required/);
    set(world, "s", "x");
    const both = { secrets: [{ name: "K", value: "plain", valueSecretReference: { secretUrl: "s" } }] };
    expect(() => world.submit("j", both as JobInit)).toThrow(/the plain value is given too; give one/);
  });

  it("can't be written by hand", () => {
    const world = lab();
    set(world, "s", "x", "other");
    const forged = `\uFDD0${workspaceOf(world, "other")} s\uFDD1`;
    const submit = (spec: JobInit) => () => world.submit("j", spec);
    expect(submit({ environmentVariables: [{ name: "A", value: forged }] })).toThrow(/U\+FDD0/);
    expect(submit({ secrets: [{ name: "A", value: forged }] })).toThrow(/U\+FDD0/);
    expect(() => world.fileServer("f", { existing: { host: "h", export: `/${forged}` } })).toThrow(/U\+FDD0/);
    world.fileServer("f", { existing: { host: "h", export: "/x" } });
    const map = { kind: "storage-map", source: "a/b", fileServer: "workspaces/w/fileServers/f", path: forged } as const;
    expect(() => world.send(map)).toThrow(/U\+FDD0/);
  });
});

describe("a secret that is deleted", () => {
  it("holds back the jobs that refer to it, and nobody else, until it is set again", () => {
    const world = lab();
    set(world, "s", "1");
    world.submit("first", {});
    world.submit("needs", variable("s"));
    world.submit("plain", {});
    remove(world, "s");
    const lease = `${world.job("first")?.uuid}.1`;
    world.report("a", lease, ready);
    world.report("a", lease, exited(0, 0));
    world.report("a", lease, done);
    expect(world.job("plain")?.state.kind).toBe("preparing");
    const needs = world.job("needs");
    if (!needs) throw new Error("the job is not there");
    expect(explain(world.state, needs, world.now).summary).toMatch(
      /secret s of workspace w was deleted: `stoker secret set -w w s` sets it again/,
    );
    const next = `${world.job("plain")?.uuid}.1`;
    world.restart();
    world.hello("a", {}, [next]);
    world.report("a", next, ready);
    world.report("a", next, exited(0, 0));
    world.report("a", next, done);
    expect(world.job("needs")?.state.kind).toBe("queued");
    expect(granted(set(world, "s", "2"))?.secrets).toEqual([{ name: "KEY", value: "[s=2]" }]);
  });

  it("before its node was told ends the attempt, which is tried again once it is there", () => {
    const world = lab();
    set(world, "s", "1");
    world.submit("j", variable("s"));
    const lease = `${world.job("j")?.uuid}.1`;
    remove(world, "s");
    world.gone("a");
    world.hello("a");
    expect(world.job("j")).toMatchObject({ state: { kind: "stopping" } });
    world.report("a", lease, done);
    expect(world.job("j")?.state.kind).toBe("queued");
    expect(granted(set(world, "s", "2"))).toMatchObject({ attempt: 2, secrets: [{ value: "[s=2]" }] });
  });

  it("keeps a cluster's new nodes from being prepared without it, and leaves those that are", () => {
    const world = lab();
    set(world, "s", "1");
    const secrets = [{ name: "S", valueSecretReference: { secretUrl: "s" } }];
    world.cluster("d", {
      scaleSettings: { manual: { targetNodeCount: 2 } },
      nodeSetup: { setupTask: { commandLine: "true", stdOutErrPathPrefix: "/x", secrets } },
    });
    const told = ({ effects }: Step) =>
      effects.flatMap((effect) =>
        effect.kind === "set-mounts" && effect.plan.setupTask
          ? [withOpened(effect.plan.setupTask.secrets, (_, sealed) => `[${sealed}]`)]
          : [],
      );
    expect(told(world.hello("b", { prepares: true }))).toEqual([[{ name: "S", value: "[1]" }]]);
    remove(world, "s");
    expect(told(world.hello("d", { prepares: true }))).toEqual([]);
    const d = [...world.state.nodes.values()].find(({ name }) => name === "d");
    expect(d && conditionOf(world.state, d)).toMatchObject({
      state: "unusable",
      reason: expect.stringContaining("stoker secret set -w w s"),
    });
    expect(told(set(world, "s", "2"))).toEqual([[{ name: "S", value: "[2]" }], [{ name: "S", value: "[2]" }]]);
  });

  it("is told as an error of the cluster that uses it", () => {
    const world = lab();
    set(world, "s", "1");
    const mountVolumes: MountVolumes = create(MountVolumesSchema, {
      azureFileShares: [
        {
          azureFileUrl: "https://a.file.core.windows.net/s",
          relativeMountPath: "f",
          credentials: { accountKeySecretReference: { secretUrl: "s" } },
        },
      ],
    });
    const scaleSettings = { manual: { targetNodeCount: 1 } };
    world.cluster("d", { scaleSettings, nodeSetup: { mountVolumes } });
    const faults = () =>
      [...world.state.clusters.values()].flatMap((cluster) =>
        clusterFaults(world.state, cluster).filter(({ code }) => code === "SecretNotFound"),
      );
    expect(faults()).toEqual([]);
    world.submit("j", { cluster: { id: "d" } });
    remove(world, "s");
    expect(faults()[0]?.message).toMatch(/stoker secret set -w w s/);
    const waiting = world.job("j");
    expect(waiting && explain(world.state, waiting, world.now).reasons[0]?.check).toBe("secrets");
  });
});

it("a secret that another workspace uses keeps its own from being deleted", () => {
  const world = lab();
  set(world, "s", "1", "other");
  world.submit("j", variable("stoker://other/s"));
  const drop = () => world.send({ kind: "workspace-delete", id: "workspaces/other" });
  expect(drop).toThrow(/jobs\/j, of another workspace, uses a secret of it/);
});
