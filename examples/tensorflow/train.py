"""Counts to 100 on a parameter server, from two workers, and lets the master write the sum. For TensorFlow 1.x, as in Batch AI's time."""
import argparse
import json
import os

import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--model")
options = parser.parse_args()
config = json.loads(os.environ["TF_CONFIG"])
role, index = config["task"]["type"], config["task"]["index"]
server = tf.train.Server(tf.train.ClusterSpec(config["cluster"]), job_name=role, task_index=index)
if role == "ps":
    # It serves until Stoker stops it, when the workers have ended.
    server.join()
with tf.device("/job:ps/task:0"):
    total = tf.get_variable("total", initializer=0)
add = total.assign_add(1)
hooks = [tf.train.StopAtStepHook(last_step=100)]
with tf.train.MonitoredTrainingSession(server.target, is_chief=index == 0, hooks=hooks) as session:
    for _ in range(50):
        last = session.run(add)
if index == 0:
    with open(os.path.join(options.model, "total.txt"), "w") as file:
        file.write("%d\n" % last)
