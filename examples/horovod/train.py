"""Averages the ranks' numbers with Horovod; the first rank writes the result."""
import os

import horovod.tensorflow as hvd
import tensorflow as tf

hvd.init()
mean = hvd.allreduce(tf.constant([float(hvd.rank())]))
if hvd.rank() == 0:
    with open(os.path.join(os.environ["AZ_BATCHAI_OUTPUT_MODEL"], "mean.txt"), "w") as file:
        file.write("%s\n" % mean)
