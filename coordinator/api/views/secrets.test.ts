import { create, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ClusterSpecSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { FileServerSpecSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { shownClusterSpec, shownFileServerSpec, shownJobSpec } from "./secrets.js";

const mountVolumes = {
  azureFileShares: [{ accountName: "a", credentials: { accountKey: "HIDDEN" } }],
  azureBlobFileSystems: [{ accountName: "b", credentials: { accountKey: "HIDDEN" } }],
};
const userAccountSettings = { adminUserName: "root", adminUserPassword: "HIDDEN" };
const secrets = [{ name: "KEY", value: "HIDDEN" }];

describe("shown specs", () => {
  it("of jobs hold no secret, and the stored ones keep theirs", () => {
    const spec = create(JobSpecSchema, {
      secrets,
      mountVolumes,
      containerSettings: { imageSourceRegistry: { image: "i", credentials: { username: "u", password: "HIDDEN" } } },
      environmentVariables: [{ name: "A", value: "shown" }],
    });
    const shown = toJsonString(JobSpecSchema, shownJobSpec(spec));
    expect(shown).not.toContain("HIDDEN");
    for (const kept of ["KEY", "shown", '"username":"u"', '"accountName":"b"']) expect(shown).toContain(kept);
    expect(toJsonString(JobSpecSchema, spec).match(/HIDDEN/g)).toHaveLength(4);
  });

  it("of clusters and file servers neither", () => {
    const cluster = create(ClusterSpecSchema, {
      userAccountSettings,
      nodeSetup: {
        setupTask: { commandLine: "true", secrets },
        mountVolumes,
        performanceCountersSettings: { appInsightsReference: { instrumentationKey: "HIDDEN" } },
      },
    });
    expect(toJsonString(ClusterSpecSchema, shownClusterSpec(cluster))).not.toContain("HIDDEN");
    const server = create(FileServerSpecSchema, { sshConfiguration: { userAccountSettings } });
    expect(toJsonString(FileServerSpecSchema, shownFileServerSpec(server))).not.toContain("HIDDEN");
  });
});
