"""Two shards that meet by files in the directory that all nodes share."""
import argparse

from caffe2.python import core, dyndep, workspace

parser = argparse.ArgumentParser()
parser.add_argument("--shards", type=int)
parser.add_argument("--shard", type=int)
parser.add_argument("--meet")
options = parser.parse_args()
dyndep.InitOpsLibrary("@/caffe2/caffe2/distributed:file_store_handler_ops")
workspace.RunOperatorOnce(core.CreateOperator("FileStoreHandlerCreate", [], ["store"], path=options.meet, prefix="example"))
print("shard %d of %d" % (options.shard, options.shards))
