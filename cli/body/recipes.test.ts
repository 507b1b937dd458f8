import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadCluster } from "./cluster.js";
import { loadFileServer } from "./file-server.js";
import { loadJob } from "./job.js";
import { parseBody } from "./parse.js";

const folder = resolve(import.meta.dirname, "../../test/fixtures/recipes");
const read = (name: string) => parseBody(readFileSync(join(folder, name), "utf8"), name);
const named = (part: string) => readdirSync(folder).filter((name) => name.endsWith(".json") && name.includes(part));
const flags = { workspace: "workspaces/lab", storageAccount: "acct", storageKey: "key==" };

const jobs: Record<string, [toolkit: string, nodes: number]> = {
  "CNTK-GPU-BrainScript.job.json": ["cntkSettings", 1],
  "CNTK-GPU-Python-Distributed.job.json": ["cntkSettings", 2],
  "Caffe-GPU.job.transcribed.json": ["caffeSettings", 1],
  "Caffe2-GPU-Distributed.job.json": ["caffe2Settings", 2],
  "Chainer-GPU-Distributed.job.json": ["chainerSettings", 2],
  "Distributed-Batch-Scoring-in-Tensorflow-with-GPU.job.json": ["customMpiSettings", 2],
  "Horovod-Tensorflow.job.json": ["horovodSettings", 2],
  "Horovod-customToolkit-2017-09-01-preview.job.json": ["customToolkitSettings", 2],
  "Keras-GPU.job_cntk.json": ["cntkSettings", 1],
  "PyTorch-GPU-Distributed-Gloo.job.json": ["pyTorchSettings", 2],
  "TensorFlow-GPU-Distributed.job.json": ["tensorFlowSettings", 2],
  "azure-cli-test.custom_toolkit_job.json": ["customToolkitSettings", 1],
};

test("every job body here is named", () => {
  expect([...named(".job"), ...named("_job")].sort()).toEqual(Object.keys(jobs).sort());
});

test.each(Object.entries(jobs))("%s is accepted unchanged and without a warning", (name, [toolkit, nodes]) => {
  const { spec, warnings } = loadJob(read(name), flags);
  expect(warnings).toEqual([]);
  expect(spec.toolkit.case).toBe(toolkit);
  expect(spec.nodeCount).toBe(nodes);
});

test("without a storage account the body is accepted too, and says what is missing", () => {
  const { spec, warnings } = loadJob(read("Keras-GPU.job_cntk.json"), { workspace: "workspaces/lab" });
  expect(spec.mountVolumes?.azureFileShares).toHaveLength(2);
  expect(warnings).toEqual(["nothing was given for <AZURE_BATCHAI_STORAGE_ACCOUNT> (--storage-account-name)"]);
});

test("what the bodies say arrives", () => {
  const { spec } = loadJob(read("PyTorch-GPU-Distributed-Gloo.job.json"), { ...flags, cluster: "nc6" });
  expect(spec.cluster?.id).toBe("workspaces/lab/clusters/nc6");
  expect(spec.toolkit.value).toMatchObject({
    pythonScriptFilePath: "$AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/pytorch/mnist_trainer.py",
    communicationBackend: "gloo",
  });
  expect(
    spec.mountVolumes?.azureFileShares.map(({ accountName, azureFileUrl }) => [accountName, azureFileUrl]),
  ).toEqual([
    ["acct", "https://acct.file.core.windows.net/logs"],
    ["acct", "https://acct.file.core.windows.net/scripts"],
  ]);
  expect(spec.mountVolumes?.azureFileShares[0]?.credentials?.accountKey).toBe("key==");
  expect(spec.containerSettings?.imageSourceRegistry?.image).toBe("pytorch/pytorch:0.4_cuda9_cudnn7");
});

test.each([
  ["Caffe-GPU.cluster.transcribed.json", "STANDARD_NC6"],
  ["azure-cli-test.simple_cluster.json", "STANDARD_D1"],
  ["azure-cli-test.auto_scale_cluster_with_azure_files.json", "STANDARD_D1"],
])("%s is accepted unchanged", (name, vmSize) => {
  const { spec, warnings } = loadCluster(read(name), flags);
  expect(warnings).toEqual([]);
  expect(spec.vmSize).toBe(vmSize);
});

test("a cluster's share gets its key, whatever the file calls the place for it", () => {
  const { spec } = loadCluster(read("azure-cli-test.auto_scale_cluster_with_azure_files.json"), flags);
  expect(spec.scaleSettings?.autoScale).toMatchObject({ minimumNodeCount: 0, maximumNodeCount: 1 });
  expect(spec.nodeSetup?.mountVolumes?.azureFileShares[0]).toMatchObject({
    accountName: "acct",
    credentials: { accountKey: "key==" },
    fileMode: "0777",
  });
});

test("the file server's body is accepted unchanged", () => {
  const { spec, warnings } = loadFileServer(read("azure-cli-test.file_server.json"), {});
  expect(warnings).toEqual([]);
  expect(spec.dataDisks).toMatchObject({ diskSizeInGb: 10, diskCount: 2, storageAccountType: "Standard_LRS" });
  expect(spec.sshConfiguration?.userAccountSettings?.adminUserPassword).toBe("DemoPa$$w0rd");
});
