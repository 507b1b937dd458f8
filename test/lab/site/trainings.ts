import type { JobBody } from "./job.js";

const share = "$AZ_BATCHAI_JOB_MOUNT_ROOT/share";
const scripts = "$AZ_BATCHAI_INPUT_SCRIPTS";

export interface Pace {
  epochs: number;
  epochSeconds: number;
}

export interface Training {
  /** The toolkit's block of a job on so many nodes. */
  toolkit(nodeCount: number, pace: Pace): JobBody;
}

const flags = ({ epochs, epochSeconds }: Pace) => `--epochs ${epochs} --epoch-seconds ${epochSeconds}`;

export const mpiTraining: Training = {
  toolkit: (nodeCount, pace) => ({
    customMpiSettings: {
      commandLine: `${scripts}/marked-python ${scripts}/train_mpi.py ${flags(pace)}`,
      processCount: nodeCount,
    },
  }),
};

export const ddpTraining: Training = {
  toolkit: (nodeCount, pace) => ({
    pyTorchSettings: {
      pythonInterpreterPath: `${scripts}/marked-python`,
      pythonScriptFilePath: `${scripts}/train_ddp.py`,
      commandLineArgs: `${flags(pace)} --rank $AZ_BATCHAI_TASK_INDEX --world-size ${nodeCount} --dist-backend $AZ_BATCHAI_PYTORCH_BACKEND --dist-url $AZ_BATCHAI_PYTORCH_INIT_METHOD`,
      processCount: nodeCount,
      communicationBackend: "gloo",
    },
  }),
};

/** Scripts, outputs, checkpoints and marks are all on the file server. */
export const trainingJob = (training: Training, nodeCount: number, pace: Pace): JobBody => ({
  nodeCount,
  ...training.toolkit(nodeCount, pace),
  stdOutErrPathPrefix: share,
  mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] },
  // All the machines' ranks share the host's few cores: those that wait must not spin.
  environmentVariables: [{ name: "OMPI_MCA_mpi_yield_when_idle", value: "1" }],
  inputDirectories: [{ id: "SCRIPTS", path: `${share}/scripts` }],
  outputDirectories: [
    { id: "MODEL", pathPrefix: share, pathSuffix: "model" },
    { id: "MARKS", pathPrefix: share, pathSuffix: "marks" },
  ],
});

export interface Metrics {
  accuracy: number;
  epochs: number;
  ranks: number;
  attempt: number;
  resumedFromEpoch: number;
}
