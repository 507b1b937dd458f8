import { expect, test } from "vitest";
import { clusterId, workspaceId } from "../../shared/ids.js";
import { applyOne } from "./apply.js";
import { emptyState } from "./memory.js";
import { findCluster, resolveCluster } from "./names.js";
import { defaultSettings } from "./settings.js";
import type { Cluster, Workspace } from "./state.js";

const workspace: Workspace = { uuid: workspaceId("w1"), name: "w", tags: {}, location: "", createdAt: 0 };
const state = emptyState(defaultSettings, 0);
applyOne(state, { kind: "put", table: "workspace", row: workspace });
const cluster = {
  uuid: clusterId("c1"),
  workspace: workspace.uuid,
  name: "c",
  sequence: 1,
  size: { minimum: 0, maximum: 0 },
};
applyOne(state, { kind: "put", table: "cluster", row: cluster as Cluster });

test.each([
  "c",
  "workspaces/w/clusters/c",
  "/subscriptions/1/resourceGroups/g/providers/Microsoft.BatchAI/workspaces/w/clusters/c",
  "Workspaces/w/Clusters/c",
])("%s names the cluster", (reference) => {
  expect(resolveCluster(state, workspace, reference).uuid).toBe("c1");
});

test.each(["d", "workspaces/w/clusters/d", "workspaces/x/clusters/c"])("%s is not found", (reference) => {
  expect(() => resolveCluster(state, workspace, reference)).toThrow(/is not found/);
});

test.each(["", "c", "workspaces/w/jobs/c", "workspaces//clusters/c", "workspaces/w/clusters", "a/b/c"])(
  '"%s" is no cluster id',
  (id) => {
    expect(() => findCluster(state, id)).toThrow(/is not of the form/);
  },
);
