import { describe, expect, test } from "vitest";
import { loadCluster } from "../../cli/body/cluster.js";
import { loadFileServer } from "../../cli/body/file-server.js";
import { loadJob } from "../../cli/body/job.js";
import { CoreWorld, type JobInit } from "../build.js";

/**
 * What real files hold beside what the schemas say, each by the loader and then by admission. The bodies are our own, in the shapes of the
 * three API versions.
 */
const flags = { workspace: "workspaces/w", cluster: "c", storageAccount: "acct", storageKey: "k==" };

function world(): CoreWorld {
  const made = new CoreWorld();
  made.workspace();
  made.experiment();
  made.fileServer("nfs", { existing: { host: "nas", export: "/data" } });
  made.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  made.hello("a", { gpus: 4 });
  made.hello("b", { gpus: 4 });
  return made;
}

/** Loaded as the command line does it, and admitted. */
function submitted(properties: object, beside: object = {}) {
  const { spec, warnings } = loadJob({ ...beside, properties }, flags);
  const site = world();
  const { subject } = site.submit("j", spec as unknown as JobInit);
  expect(subject).toBeDefined();
  return { spec: site.job("j")?.spec, warnings };
}

const python = { pythonScriptFilePath: "$AZ_BATCHAI_INPUT_SCRIPT/train.py" };
const preview = {
  $schema: "https://raw.githubusercontent.com/Azure/BatchAI/master/schemas/2017-09-01-preview/job.json",
};
const march = { $schema: "https://raw.githubusercontent.com/Azure/BatchAI/master/schemas/2018-03-01/job.json" };

describe("tolerance", () => {
  test.each<[string, object, object?]>([
    [
      "$schema, $comment, comment",
      { customToolkitSettings: { commandLine: "x" }, $comment: "y", comment: "z" },
      preview,
    ],
    ["location, tags", { customToolkitSettings: { commandLine: "x" } }, { location: "eastus", tags: { a: "b" } }],
    [
      "toolType, experimentName",
      { customToolkitSettings: { commandLine: "x" }, toolType: "custom", experimentName: "e" },
    ],
    [
      "types of output directories",
      {
        customToolkitSettings: { commandLine: "x" },
        outputDirectories: [{ id: "MODEL", pathPrefix: "/x", pathSuffix: "y", type: "model", createNew: false }],
      },
    ],
    [
      "credentialsInfo, and an image one level too high",
      {
        customToolkitSettings: { commandLine: "x", processCount: 2 },
        mountVolumes: {
          azureFileShares: [
            { azureFileUrl: "https://acct.file.core.windows.net/s", relativeMountPath: "afs", credentialsInfo: {} },
          ],
        },
      },
    ],
    [
      "an undefined variable and a prefix on an absent mount",
      {
        customToolkitSettings: { commandLine: "echo $NO_SUCH" },
        stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/nowhere/",
      },
    ],
    [
      "a preparation that is empty",
      { customToolkitSettings: { commandLine: "x" }, jobPreparation: { commandLine: "" } },
    ],
    [
      "empty mount options",
      {
        customToolkitSettings: { commandLine: "x" },
        mountVolumes: { fileServers: [{ fileServer: { id: "nfs" }, relativeMountPath: "nfs", mountOptions: "" }] },
      },
    ],
  ])("%s", (_, properties, beside) => {
    expect(submitted({ nodeCount: 1, ...properties }, beside).warnings).toEqual([]);
  });

  test("counts as text", () => {
    const { spec } = submitted({ nodeCount: "2", horovodSettings: { ...python, processCount: "8" } });
    expect(spec?.nodeCount).toBe(2);
    expect(spec?.toolkit.value).toMatchObject({ processCount: 8 });
  });

  test.each([
    [-1000, "low"],
    ["0", "normal"],
    [5, "high"],
  ])("priority %j of older versions is %s", (priority, word) => {
    const { spec } = submitted({ nodeCount: 1, priority, customToolkitSettings: { commandLine: "x" } }, preview);
    expect(spec?.schedulingPriority).toBe(word);
  });

  test("words in any letter case", () => {
    const { spec } = submitted({
      nodeCount: 2,
      schedulingPriority: "HIGH",
      pyTorchSettings: { ...python, communicationBackend: "TCP" },
    });
    expect(spec?.schedulingPriority).toBe("high");
    expect(() => submitted({ nodeCount: 2, cntkSettings: { languageType: "PYTHON", ...python } })).not.toThrow();
  });

  test.each(["7.00:00:00", "01:30:00", "P7D", "PT36H", "1.12:00:00"])("the duration %s", (maxWallClockTime) => {
    const { spec } = submitted({
      nodeCount: 1,
      customToolkitSettings: { commandLine: "x" },
      constraints: { maxWallClockTime },
    });
    expect(spec?.constraints?.maxWallClockTime).toMatch(/^P/);
  });

  test("the preview's count of retries", () => {
    const constraints = { maxWallClockTime: "P1D", maxRetryCount: 3 };
    const { spec, warnings } = submitted(
      { nodeCount: 1, customToolkitSettings: { commandLine: "x" }, constraints },
      preview,
    );
    expect(spec?.retry?.maxCount).toBe(3);
    expect(warnings).toEqual([]);
  });

  test.each<[RegExp, object]>([
    [/no toolkit block/, {}],
    [/2 toolkit blocks/, { caffeSettings: { configFilePath: "x" }, cntkSettings: python }],
  ])("%s", (message, properties) => {
    expect(() => submitted({ nodeCount: 1, ...properties })).toThrow(message);
  });

  test("a cluster by its full id in the file, as the REST interface took it", () => {
    const id = "/subscriptions/s/resourceGroups/clusters/providers/Microsoft.BatchAI/Workspaces/w/Clusters/c";
    const { spec } = loadJob(
      { properties: { nodeCount: 1, cluster: { id }, customToolkitSettings: { commandLine: "x" } } },
      { workspace: "workspaces/w" },
    );
    const site = world();
    site.submit("j", spec as unknown as JobInit);
    expect(site.job("j")?.spec.cluster?.id).toBe("workspaces/w/clusters/c");
  });
});

describe("bodies of other recipes' kinds", () => {
  test.each<[string, object, object?]>([
    ["TensorFlow on one node", { nodeCount: 1, tensorFlowSettings: { ...python, masterCommandLineArgs: "-p" } }],
    [
      "TensorFlow with counts as text",
      { nodeCount: "2", tensorFlowSettings: { ...python, workerCount: "4", parameterServerCount: "2" } },
      march,
    ],
    [
      "Keras on Horovod",
      {
        nodeCount: 2,
        horovodSettings: {
          ...python,
          commandLineArgs: "--epochs 1",
          pythonInterpreterPath: "/opt/conda/bin/python",
          processCount: 8,
        },
      },
    ],
    [
      "Chainer with arguments",
      { nodeCount: 2, chainerSettings: { ...python, commandLineArgs: "-g --communicator naive", processCount: 4 } },
      preview,
    ],
    [
      "Caffe by a script",
      { nodeCount: 1, caffeSettings: { ...python, commandLineArgs: "-x", processCount: 1 } },
      preview,
    ],
    [
      "CNTK BrainScript on two nodes",
      {
        nodeCount: 2,
        cntkSettings: {
          languageType: "BrainScript",
          configFilePath: "$AZ_BATCHAI_INPUT_CONFIG/x.cntk",
          processCount: 8,
        },
      },
      preview,
    ],
    ["PyTorch by MPI", { nodeCount: 2, pyTorchSettings: { ...python, communicationBackend: "mpi", processCount: 2 } }],
    ["PyTorch without a backend", { nodeCount: 1, pyTorchSettings: python }],
    [
      "PyTorch by NCCL",
      { nodeCount: 2, pyTorchSettings: { ...python, communicationBackend: "nccl", processCount: 8 } },
    ],
    [
      "an Intel MPI benchmark over Infiniband",
      {
        nodeCount: 2,
        customToolkitSettings: {
          commandLine:
            "source /opt/intel/impi/5.1.3.223/bin64/mpivars.sh; mpirun -n 2 -ppn 1 -hosts $AZ_BATCH_HOST_LIST -env I_MPI_FABRICS=dapl -env I_MPI_DAPL_PROVIDER=ofa-v2-ib0 IMB-MPI1 pingpong",
        },
      },
    ],
    [
      "an MPI command over all GPUs",
      {
        nodeCount: 2,
        customMpiSettings: {
          commandLine: "python $AZ_BATCHAI_INPUT_SCRIPT/x.py && echo done | tee log",
          processCount: "8",
        },
      },
    ],
    [
      "a private image",
      {
        nodeCount: 1,
        customToolkitSettings: { commandLine: "nvidia-smi" },
        containerSettings: {
          shmSize: "16gb",
          imageSourceRegistry: {
            serverUrl: "nvcr.io",
            image: "nvcr.io/nvidia/tensorflow:18.03-py3",
            credentials: { username: "$oauthtoken", password: "key" },
          },
        },
      },
    ],
    [
      "environment variables that are numbers, and secrets",
      {
        nodeCount: 1,
        customToolkitSettings: { commandLine: "env" },
        environmentVariables: [
          { name: "N", value: 3 },
          { name: "ON", value: true },
          { name: "P", value: "$AZ_BATCHAI_JOB_TEMP/x" },
        ],
        secrets: [{ name: "S", value: "v" }],
      },
    ],
    [
      "unmanaged volumes and a directory of a file server",
      {
        nodeCount: 1,
        customToolkitSettings: { commandLine: "ls" },
        mountVolumes: {
          unmanagedFileSystems: [{ mountCommand: "mount -t glusterfs 10.0.0.4:/gv0", relativeMountPath: "gfs" }],
          fileServers: [
            { fileServer: { id: "workspaces/w/fileservers/nfs" }, sourceDirectory: "sets/a", relativeMountPath: "nfs" },
          ],
        },
      },
    ],
  ])("%s", (_, properties, beside) => {
    expect(submitted(properties, beside).warnings).toEqual([]);
  });
});

describe("clusters and file servers", () => {
  const admitted = (body: object, given: object = {}) => {
    const { spec, warnings } = loadCluster(body, {
      workspace: "workspaces/w",
      storageAccount: "acct",
      storageKey: "k==",
      ...given,
    });
    const site = world();
    expect(site.cluster("d", spec).subject).toBeDefined();
    return { spec, warnings };
  };

  test("a preview cluster with everything", () => {
    const { spec, warnings } = admitted({
      location: "eastus",
      tags: { a: "b" },
      properties: {
        vmSize: "STANDARD_NC6",
        vmPriority: "LowPriority",
        virtualMachineConfiguration: {
          imageReference: {
            publisher: "microsoft-ads",
            offer: "linux-data-science-vm-ubuntu",
            sku: "linuxdsvmubuntu",
            version: "latest",
          },
          offer: "misplaced",
        },
        scaleSettings: { manual: { targetNodeCount: "2", nodeDeallocationOption: "Requeue" } },
        userAccountSettings: { adminUserName: "demo", adminUserPassword: "p" },
        nodeSetup: {
          setupTask: {
            commandLine: "apt install -y nfs-common; echo done",
            runElevated: true,
            stdOutErrPathPrefix: "$AZ_BATCHAI_MOUNT_ROOT/afs",
            environmentVariables: [{ name: "A", value: "1" }],
            secrets: [{ name: "B", value: "2" }],
          },
          mountVolumes: {
            azureFileShares: [
              {
                azureFileUrl: "https://<AZURE_BATCHAI_STORAGE_ACCOUNT>.file.core.windows.net/s",
                relativeMountPath: "afs",
                credentialsInfo: {},
              },
            ],
          },
          performanceCountersSettings: { appInsightsReference: { component: { id: "x" }, instrumentationKey: "y" } },
        },
        subnet: { id: "/subscriptions/s/x" },
      },
    });
    expect(warnings).toEqual([]);
    expect(spec.scaleSettings?.manual?.targetNodeCount).toBe(2);
    expect(spec.nodeSetup?.mountVolumes?.azureFileShares[0]).toMatchObject({
      accountName: "acct",
      credentials: { accountKey: "k==" },
    });
  });

  test("nothing but a size and an account: no nodes until it is resized", () => {
    const { spec } = admitted({
      properties: { vmSize: "any", userAccountSettings: { adminUserName: "x", adminUserPassword: "y" } },
    });
    expect(spec.scaleSettings).toBeUndefined();
  });

  test("a file server with everything", () => {
    const { spec, warnings } = loadFileServer(
      {
        $schema: "s",
        location: "eastus",
        properties: {
          vmSize: "STANDARD_DS2_V2",
          dataDisks: {
            diskCount: "2",
            diskSizeInGB: "100",
            storageAccountType: "Premium_LRS",
            cachingType: "readonly",
          },
          sshConfiguration: {
            publicIPsToAllow: ["*"],
            userAccountSettings: { adminUserName: "x", adminUserSshPublicKey: "k" },
          },
          subnet: { id: "x" },
          mountSettings: { mountPoint: "/data", fileServerType: "nfs" },
        },
      },
      {},
    );
    expect(warnings).toEqual([]);
    expect(spec.dataDisks).toMatchObject({ diskCount: 2, diskSizeInGb: 100, cachingType: "readonly" });
  });
});
