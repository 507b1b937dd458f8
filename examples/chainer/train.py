"""Sums the ranks with ChainerMN; the first one writes the result."""
import argparse
import os

import chainermn

parser = argparse.ArgumentParser()
parser.add_argument("--out")
options = parser.parse_args()
communicator = chainermn.create_communicator("naive")
total = communicator.allreduce_obj(communicator.rank)
if communicator.rank == 0:
    with open(os.path.join(options.out, "total.txt"), "w") as file:
        file.write("%d\n" % total)
