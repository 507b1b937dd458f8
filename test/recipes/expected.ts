/** What a recipe's job must look like when it has run: from the published files themselves and from what is known of the service. */
export interface Expected {
  cluster: string;
  toolType: string;
  /** `m`: any one of the two that have one address. */
  nodes: string[];
  /** Share with its std files. */
  logs: string;
  stdFiles: string[];
  /** Output directories by id, as they end below the segment. */
  outputs: Record<string, string>;
  /** How often ~/.bashrc is read: by each preparation, the launcher, each remote start, and each rank. */
  sourced: number;
  /** Calls of stand-ins but apt and pip, by program: `program words`, with this job's own paths put as $NAME. */
  calls: string[];
  hostFile: string;
  filledIn?: Record<string, unknown>;
}

const prep = (node: string) => [`stderr-job_prep-${node}.txt`, `stdout-job_prep-${node}.txt`];
const plain = ["stderr.txt", "stdout.txt"];
const logsOf = (nodes: string[], prepared: boolean, files: string[]) =>
  [...nodes.map((node) => `execution-${node}.log`), ...files, ...(prepared ? nodes.flatMap(prep) : [])].sort();

const mpi = ["m1", "m2"];
const net = ["d1", "d2"];
const oneSlot = "m1 slots=1 max-slots=1\nm2 slots=1 max-slots=1\n";
const fourSlots = "m1 slots=4 max-slots=4\nm2 slots=4 max-slots=4\n";
const netSlots = (slots: number) =>
  `127.0.0.9 slots=${slots} max-slots=${slots}\n127.0.0.10 slots=${slots} max-slots=${slots}\n`;

const twice = (call: string) => [call, call];
const hosts = "--ps_hosts=127.0.0.9:2222 --worker_hosts=127.0.0.9:2223,127.0.0.10:2222";
const replica = "python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/tensorflow/mnist_replica.py";
const worker = (index: number) =>
  `${replica} --job_name=worker --num_gpus=1 ${hosts} --train_steps 10000 --checkpoint_dir=$AZ_BATCHAI_OUTPUT_MODEL ` +
  `--log_dir=$AZ_BATCHAI_OUTPUT_TENSORBOARD --task_index=${index} --data_dir=`;
const trainer = (shard: number) =>
  "python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/caffe2/resnet50_trainer.py --num_shards 2 " +
  `--shard_id ${shard} --run_id 0 --epoch_size 2000 --num_epochs 5 ` +
  "--train_data $AZ_BATCHAI_JOB_MOUNT_ROOT/data/mnist_data/mnist_train_lmdb --file_store_path $AZ_BATCHAI_SHARED_JOB_TEMP";
const gloo = (rank: number) =>
  "python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/pytorch/mnist_trainer.py --epochs 10 --world-size 2 --dist-backend gloo " +
  `--dist-url file://$AZ_BATCHAI_SHARED_JOB_TEMP/pytorch-init-1 --rank ${rank}`;

export const expected: Record<string, Expected> = {
  "CNTK-GPU-BrainScript.job.json": {
    cluster: "nc6",
    toolType: "cntk",
    nodes: ["m"],
    logs: "batchaisample",
    stdFiles: ["execution.log", ...plain],
    outputs: { MODEL: "outputs/Models" },
    sourced: 2,
    calls: [
      "cntk configFile=$AZ_BATCHAI_INPUT_CONFIG/ConvNet_MNIST.cntk rootDir=. dataDir=$AZ_BATCHAI_INPUT_DATASET outputDir=$AZ_BATCHAI_OUTPUT_MODEL",
    ],
    hostFile: "127.0.0.1 slots=1 max-slots=1\n",
    filledIn: { languageType: "BrainScript", processCount: 1 },
  },
  "CNTK-GPU-Python-Distributed.job.json": {
    cluster: "nc6",
    toolType: "cntk",
    nodes: mpi,
    logs: "logs",
    stdFiles: logsOf(mpi, true, plain),
    outputs: { MODEL: "outputs" },
    sourced: 7,
    calls: twice(
      "python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/cntk/ConvNet_CIFAR10_DataAug_Distributed.py --datadir $AZ_BATCHAI_JOB_TEMP --outputdir $AZ_BATCHAI_OUTPUT_MODEL -n 5",
    ),
    hostFile: oneSlot,
    filledIn: { languageType: "Python", processCount: 2 },
  },
  "Keras-GPU.job_cntk.json": {
    cluster: "nc6",
    toolType: "cntk",
    nodes: ["m"],
    logs: "logs",
    stdFiles: ["execution.log", ...plain],
    outputs: {},
    sourced: 2,
    calls: ["python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/keras/mnist_cnn.py"],
    hostFile: "127.0.0.1 slots=1 max-slots=1\n",
    filledIn: { languageType: "Python", processCount: 1 },
  },
  "Caffe-GPU.job.transcribed.json": {
    cluster: "nc6",
    toolType: "caffe",
    nodes: ["m"],
    logs: "batchaisample",
    stdFiles: ["execution.log", "stderr-job_prep.txt", "stderr.txt", "stdout-job_prep.txt", "stdout.txt"],
    outputs: { MODEL: "outputs/Models" },
    sourced: 2,
    calls: ["caffe train --solver=$AZ_BATCHAI_INPUT_SAMPLE/lenet_solver.prototxt"],
    hostFile: "127.0.0.1 slots=4 max-slots=4\n",
    filledIn: { processCount: 1 },
  },
  "Chainer-GPU-Distributed.job.json": {
    cluster: "nc6",
    toolType: "chainer",
    nodes: mpi,
    logs: "logs",
    stdFiles: logsOf(mpi, false, plain),
    outputs: { MODEL: "outputs" },
    sourced: 5,
    calls: twice("python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/chainer/train_mnist.py -g -o $AZ_BATCHAI_OUTPUT_MODEL"),
    hostFile: oneSlot,
    filledIn: { processCount: 2 },
  },
  "Distributed-Batch-Scoring-in-Tensorflow-with-GPU.job.json": {
    cluster: "nc6",
    toolType: "mpi",
    nodes: mpi,
    logs: "logs",
    stdFiles: logsOf(mpi, true, plain),
    outputs: { LABEL: "outputs" },
    sourced: 7,
    calls: twice(
      "python -u $AZ_BATCHAI_INPUT_SCRIPT/batch_image_label.py --dataset_path $AZ_BATCHAI_INPUT_IMAGES --model_path $AZ_BATCHAI_INPUT_MODEL/inception_v3.ckpt --label_path $AZ_BATCHAI_INPUT_MODEL/imagenet_slim_labels.txt --output_dir $AZ_BATCHAI_OUTPUT_LABEL --batch_size 64",
    ),
    hostFile: oneSlot,
    filledIn: { processCount: 2 },
  },
  "Horovod-Tensorflow.job.json": {
    cluster: "nc6",
    toolType: "horovod",
    nodes: mpi,
    logs: "logs",
    stdFiles: logsOf(mpi, true, plain),
    outputs: {},
    sourced: 7,
    calls: twice("python $AZ_BATCHAI_JOB_MOUNT_ROOT/scripts/horovod/tensorflow_mnist.py"),
    hostFile: oneSlot,
    filledIn: { processCount: 2 },
  },
  "Horovod-customToolkit-2017-09-01-preview.job.json": {
    cluster: "nc6",
    toolType: "custom",
    nodes: mpi,
    logs: "batchaisample",
    stdFiles: logsOf(mpi, true, plain),
    outputs: { MODEL: "outputs/Models" },
    // The user's own mpirun starts ranks without a shell: two preparations, the command, two daemons.
    sourced: 5,
    calls: Array<string>(8).fill("python $AZ_BATCHAI_INPUT_SCRIPTS/tensorflow_mnist.py"),
    hostFile: fourSlots,
  },
  "TensorFlow-GPU-Distributed.job.json": {
    cluster: "d1",
    toolType: "tensorflow",
    nodes: net,
    logs: "logs",
    stdFiles: logsOf(
      net,
      false,
      ["ps-0", "wk-0", "wk-1"].flatMap((task) => [`stderr-${task}.txt`, `stdout-${task}.txt`]),
    ),
    outputs: { MODEL: "outputs/Models", TENSORBOARD: "outputs/Logs" },
    sourced: 3,
    calls: [
      worker(0),
      worker(1),
      `${replica} --job_name=ps --num_gpus=0 ${hosts} --task_index=0 --data_dir=$AZ_BATCHAI_JOB_MOUNT_ROOT/data/mnist_data`,
    ],
    hostFile: netSlots(4),
    filledIn: { workerCount: 2, parameterServerCount: 1 },
  },
  "Caffe2-GPU-Distributed.job.json": {
    cluster: "d1",
    toolType: "caffe2",
    nodes: net,
    logs: "logs",
    stdFiles: logsOf(net, false, ["stderr-0.txt", "stderr-1.txt", "stdout-0.txt", "stdout-1.txt"]),
    outputs: {},
    sourced: 2,
    calls: [trainer(0), trainer(1)],
    hostFile: netSlots(4),
  },
  "PyTorch-GPU-Distributed-Gloo.job.json": {
    cluster: "d1",
    toolType: "pytorch",
    nodes: net,
    logs: "logs",
    stdFiles: logsOf(net, false, ["stderr-0.txt", "stderr-1.txt", "stdout-0.txt", "stdout-1.txt"]),
    outputs: {},
    sourced: 2,
    calls: [gloo(0), gloo(1)],
    hostFile: netSlots(1),
    filledIn: { processCount: 2, communicationBackend: "gloo" },
  },
  "azure-cli-test.custom_toolkit_job.json": {
    cluster: "auto",
    toolType: "custom",
    nodes: ["a1"],
    logs: "share",
    stdFiles: ["execution.log", ...plain],
    outputs: { OUTPUT: "outputs/output" },
    sourced: 1,
    calls: [],
    hostFile: "127.0.0.11 slots=4 max-slots=4\n",
  },
};
