import type { PyTorchSettings } from "../../../shared/gen/stoker/v1/toolkit_pb.js";
import { admitClean, admitCount, admitText, admitWord, refuse } from "../admission/fields.js";
import { mpiExpansion } from "./mpi.js";
import { admitRanks, type Expansion, type Gang, scriptCommand, spread, type Toolkit, variable } from "./toolkit.js";

/** TCP, Gloo and NCCL: the processes themselves, told apart by their index. MPI: under mpirun. */
export const pytorch: Toolkit<"pyTorchSettings"> = {
  toolType: "pytorch",
  admit(settings, spec, path) {
    if (settings.commandLine !== "") {
      if (settings.pythonScriptFilePath !== "") refuse(path, "has both commandLine and pythonScriptFilePath; give one");
      admitText(`${path}.commandLine`, settings.commandLine);
    } else admitText(`${path}.pythonScriptFilePath`, settings.pythonScriptFilePath);
    admitClean(`${path}.pythonInterpreterPath`, settings.pythonInterpreterPath);
    admitClean(`${path}.commandLineArgs`, settings.commandLineArgs);
    const count = settings.processCount === 0 ? spec.nodeCount : settings.processCount;
    const processCount = admitCount(`${path}.processCount`, count, 1, 100_000);
    const backend = admitWord(`${path}.communicationBackend`, settings.communicationBackend, backends);
    if (backend !== "MPI" && processCount < spec.nodeCount) {
      refuse(`${path}.processCount`, `${processCount} processes leave some of the ${spec.nodeCount} nodes without any`);
    }
    if (backend !== "MPI") admitRanks(`${path}.processCount`, processCount, spec.nodeCount, commandOf(settings));
    return { ...settings, processCount };
  },
  expand(settings, gang) {
    const backend = admitWord("communicationBackend", settings.communicationBackend, backends);
    const command = commandOf(settings);
    return backend === "MPI"
      ? withBackend(mpiExpansion(command, settings.processCount, gang), "mpi")
      : withBackend(processes(command, settings.processCount, gang), backend.toLowerCase());
  },
};

/** Gloo when nothing is said: the one of them that every PyTorch since 1.0 has. */
const backends = ["Gloo", "TCP", "NCCL", "MPI"] as const;

const commandOf = ({ commandLine, pythonInterpreterPath, pythonScriptFilePath, commandLineArgs }: PyTorchSettings) =>
  commandLine === ""
    ? scriptCommand(pythonInterpreterPath, pythonScriptFilePath, commandLineArgs)
    : [commandLine, commandLineArgs].filter((part) => part !== "").join(" ");

function withBackend(expansion: Expansion, backend: string): Expansion {
  return { ...expansion, environment: [...expansion.environment, variable("AZ_BATCHAI_PYTORCH_BACKEND", backend)] };
}

function processes(commandLine: string, processCount: number, gang: Gang): Expansion {
  const counts = spread(processCount, gang.nodes.length);
  const placed = counts.flatMap((count, nodeIndex) =>
    Array.from({ length: count }, (_, localRank) => ({ nodeIndex, localRank, count })),
  );
  const master = gang.nodes[0]?.host ?? "";
  // A name of a quickstart's "node" need not resolve.
  const address = gang.oneMachine ? "127.0.0.1" : master;
  const initMethod = gang.isTempShared
    ? // Each attempt its own: what an older one left in the file would be taken for members.
      `file://$AZ_BATCHAI_SHARED_JOB_TEMP/pytorch-init-${gang.attempt}`
    : `tcp://${bracketed(address)}:${gang.port}`;
  return {
    ranks: placed.map(({ nodeIndex, localRank, count }, rank) => ({
      rank,
      nodeIndex,
      commandLine,
      environment: [
        variable("AZ_BATCHAI_TASK_INDEX", rank),
        variable("RANK", rank),
        variable("LOCAL_RANK", localRank),
        variable("LOCAL_WORLD_SIZE", count),
      ],
      stdoutName: `stdout-${rank}.txt`,
      stderrName: `stderr-${rank}.txt`,
    })),
    environment: [
      variable("AZ_BATCHAI_PYTORCH_INIT_METHOD", initMethod),
      variable("WORLD_SIZE", processCount),
      variable("MASTER_ADDR", address),
      variable("MASTER_PORT", gang.port),
    ],
    slotsByNode: counts,
    endsWith: "all",
  };
}

const bracketed = (address: string) => (address.includes(":") ? `[${address}]` : address);
