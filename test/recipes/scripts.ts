import type { Ground } from "./ground.js";

/** What users had uploaded to their shares beside the bodies: our own, as short as can be. */
export function putScripts(ground: Ground): void {
  ground.write(
    "scripts",
    "cntk/CIFAR-10_data_prepare.sh",
    "mkdir $AZ_BATCHAI_JOB_TEMP/data && echo $AZ_BATCHAI_JOB_TEMP\n",
  );
  // As the Caffe recipe's: it puts the job's paths into the solver's text.
  ground.write(
    "batchaisample",
    "caffemnistsample/preparation_script.sh",
    'sed -i "s#OUT#$AZ_BATCHAI_OUTPUT_MODEL#;s#DATA#$AZ_BATCHAI_INPUT_DATA#" $AZ_BATCHAI_INPUT_SAMPLE/lenet_solver.prototxt\n',
  );
  ground.write("batchaisample", "caffemnistsample/lenet_solver.prototxt", "snapshot: OUT\nsource: DATA\n");
  ground.write("scripts", "classification_samples/batch_image_label.py", scoring);
  ground.write("scripts", "pytorch/mnist_trainer.py", trainer);
}

const scoring = `# real
import argparse, os
from mpi4py import MPI
parser = argparse.ArgumentParser()
parser.add_argument("--output_dir")
options, _ = parser.parse_known_args()
world = MPI.COMM_WORLD
assert world.allreduce(1) == world.size
open(os.path.join(options.output_dir, f"labels-{world.rank}-of-{world.size}"), "w").close()
`;

const trainer = `# real
import argparse, os, torch, torch.distributed as distributed
parser = argparse.ArgumentParser()
for word in ("--dist-backend", "--dist-url"): parser.add_argument(word)
for word in ("--world-size", "--rank", "--epochs"): parser.add_argument(word, type=int)
options = parser.parse_args()
distributed.init_process_group(options.dist_backend, init_method=options.dist_url, world_size=options.world_size, rank=options.rank)
mine = torch.tensor([options.rank + 1.0])
distributed.all_reduce(mine)
print(f"sum over {options.world_size} ranks: {mine.item()}", flush=True)
`;
