import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { UserCaller } from "../../coordinator/core/access/caller.js";
import { apply } from "../../coordinator/core/apply.js";
import type { ApiEvent } from "../../coordinator/core/events.js";
import { defaultSettings, type Settings } from "../../coordinator/core/settings.js";
import { step } from "../../coordinator/core/step.js";
import { ClusterSpecSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { clusterId, experimentId, jobId, userId } from "../../shared/ids.js";
import { CoreWorld } from "../build.js";

const mount = { unmanagedFileSystems: [{ mountCommand: "touch /root/owned;", relativeMountPath: "m" }] };

class Lab extends CoreWorld {
  constructor(rootCommands: Settings["rootCommands"] = defaultSettings.rootCommands) {
    super({ ...defaultSettings, rootCommands });
    this.workspace();
    this.workspace("other");
    this.experiment();
    this.cluster("c", {});
  }

  user(name: string, role: string, workspace = "w"): UserCaller {
    const uuid = userId(this.fresh());
    this.send({ kind: "user-create", uuid, name, displayName: "" });
    this.send({ kind: "role-grant", user: name, workspace: workspace === "" ? "" : `workspaces/${workspace}`, role });
    return { kind: "user", name, user: uuid };
  }

  asked(caller: UserCaller, event: ApiEvent): void {
    const origin = { caller, credential: "token t", verb: "V", target: "t", summary: "", peer: "p" };
    apply(this.state, step(this.state, event, this.now, { settling: true, origin }).changes);
  }

  makes(caller: UserCaller, nodeSetup: MessageInitShape<typeof ClusterSpecSchema>["nodeSetup"]): () => void {
    const uuid = clusterId(this.fresh());
    const spec = create(ClusterSpecSchema, { vmSize: "any", ...(nodeSetup ? { nodeSetup } : {}) });
    return () => this.asked(caller, { kind: "cluster-create", uuid, parent: "workspaces/w", name: `c${uuid}`, spec });
  }

  submits(
    caller: UserCaller,
    mountVolumes: MessageInitShape<typeof JobSpecSchema>["mountVolumes"],
    workspace = "w",
  ): () => void {
    const uuid = jobId(this.fresh());
    const spec = create(JobSpecSchema, {
      ...{ cluster: { id: "workspaces/w/clusters/c" }, nodeCount: 1 },
      toolkit: { case: "customToolkitSettings", value: { commandLine: "true" } },
      ...(mountVolumes ? { mountVolumes } : {}),
    });
    const parent = `workspaces/${workspace}/experiments/e`;
    return () => this.asked(caller, { kind: "job-create", uuid, parent, name: `j${uuid}`, spec });
  }
}

const setup = { setupTask: { commandLine: "apt install moreutils", stdOutErrPathPrefix: "/var/log" } };

describe("what runs as root on machines", () => {
  it("is for owners and administrators to name, in clusters and in jobs", () => {
    const lab = new Lab();
    const contributor = lab.user("carl", "contributor");
    expect(lab.makes(contributor, setup)).toThrow(
      /nodeSetup.setupTask: runs as root.*carl is not owner of workspace w/,
    );
    expect(lab.makes(contributor, { mountVolumes: mount })).toThrow(/unmanagedFileSystems: .*runs as root/);
    expect(lab.submits(contributor, mount)).toThrow(/mountVolumes.unmanagedFileSystems: .*runs as root/);
    for (const caller of [lab.user("olga", "owner"), lab.user("ada", "administrator", "")]) {
      expect(lab.makes(caller, setup)).not.toThrow();
      expect(lab.makes(caller, { mountVolumes: mount })).not.toThrow();
      expect(lab.submits(caller, mount)).not.toThrow();
    }
    expect(lab.makes(contributor, undefined)).not.toThrow();
    expect(lab.submits(contributor, undefined)).not.toThrow();
  });

  it("is not named by an owner elsewhere for the machines of a cluster that is only lent", () => {
    const lab = new Lab();
    const caller = lab.user("olga", "owner", "other");
    lab.send({ kind: "role-grant", user: "olga", workspace: "workspaces/w", role: "contributor" });
    lab.send({ kind: "experiment-create", uuid: experimentId(lab.fresh()), parent: "workspaces/other", name: "e" });
    expect(lab.submits(caller, undefined, "other")).not.toThrow();
    expect(lab.submits(caller, mount, "other")).toThrow(/olga is not owner of workspace w/);
  });

  it("is whose the coordinator's setting says", () => {
    const open = new Lab("contributor");
    expect(open.makes(open.user("carl", "contributor"), setup)).not.toThrow();
    const closed = new Lab("administrator");
    expect(closed.makes(closed.user("olga", "owner"), setup)).toThrow(/olga is not administrator of the lab/);
    expect(closed.makes(closed.user("ada", "administrator", ""), setup)).not.toThrow();
  });
});
