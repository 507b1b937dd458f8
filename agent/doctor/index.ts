import { clock } from "../../shared/doctor/checks/clock.js";
import { disk } from "../../shared/doctor/checks/disk.js";
import { fileLimits } from "../../shared/doctor/checks/file-limits.js";
import { names } from "../../shared/doctor/checks/names.js";
import { examine } from "../../shared/doctor/examine.js";
import type { Check, Told } from "../../shared/doctor/finding.js";
import { accounts } from "./checks/accounts.js";
import { cgroups } from "./checks/cgroups.js";
import { containers } from "./checks/containers.js";
import { cuda } from "./checks/cuda.js";
import { gpuDriver } from "./checks/gpu-driver.js";
import { hardware } from "./checks/hardware.js";
import { lockedMemory } from "./checks/locked-memory.js";
import { mpi } from "./checks/mpi.js";
import { nfs } from "./checks/nfs.js";
import { nvidiaSmi } from "./checks/nvidia-smi.js";
import { peers } from "./checks/peers.js";
import { ports } from "./checks/ports.js";
import type { AgentWorld } from "./world.js";

/** In the order in which they are told. */
export const checks: ReadonlyArray<Check<AgentWorld>> = [
  ...[
    hardware,
    gpuDriver,
    nvidiaSmi,
    cuda,
    nfs,
    mpi,
    containers,
    clock,
    ports,
    cgroups,
    fileLimits,
    lockedMemory,
    accounts,
  ],
  ...[disk, peers, names],
];

export const examineNode = (world: AgentWorld): Promise<Told[]> => examine(checks, world);
