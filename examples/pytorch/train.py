# real
"""Two processes train one number with Gloo; the first writes it."""
import os

import torch
import torch.distributed as distributed

rank, world = int(os.environ["AZ_BATCHAI_TASK_INDEX"]), int(os.environ["WORLD_SIZE"])
distributed.init_process_group("gloo", init_method=os.environ["AZ_BATCHAI_PYTORCH_INIT_METHOD"], rank=rank, world_size=world)
slope = torch.zeros(1, requires_grad=True)
for _ in range(200):
    points = torch.rand(32)
    loss = ((slope * points - 3 * points) ** 2).mean()
    loss.backward()
    distributed.all_reduce(slope.grad)
    with torch.no_grad():
        slope -= slope.grad / world
        slope.grad.zero_()
print(f"rank {rank} of {world}: {slope.item():.3f}", flush=True)
if rank == 0:
    with open(os.path.join(os.environ["AZ_BATCHAI_OUTPUT_MODEL"], "slope.txt"), "w") as file:
        file.write(f"{slope.item():.3f}\n")
