# real
"""Pi by four ranks with mpi4py; the first writes it."""
import os

from mpi4py import MPI

world = MPI.COMM_WORLD
steps = 100_000
mine = sum(4 / (1 + ((step + 0.5) / steps) ** 2) for step in range(world.rank, steps, world.size)) / steps
pi = world.reduce(mine)
if world.rank == 0:
    with open(os.path.join(os.environ["AZ_BATCHAI_OUTPUT_MODEL"], "pi.txt"), "w") as file:
        file.write(f"{pi:.6f}\n")
