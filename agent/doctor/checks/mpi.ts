import { type Check, type Finding, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";

const launchers = ["mpirun", "mpirun.openmpi", "mpirun.mpich"] as const;

export const mpi: Check<AgentWorld> = {
  name: "MPI",
  async look({ machine }) {
    const asked = await Promise.all(launchers.map((name) => machine.run([name, "--version"])));
    const flavours = asked.flatMap((ran) => (ran?.code === 0 ? (flavourOf(ran.stdout) ?? []) : []));
    const known = [...new Set(flavours)];
    const found: Finding[] = [];
    if (known.length === 0)
      found.push(warn("there is no mpirun: jobs with MPI fail here, but in containers", "apt install openmpi-bin"));
    else found.push(ok(`MPI: ${known.join("; ")}`));
    const first = flavourOf(asked[0]?.stdout ?? "");
    if (asked[0]?.code === 0 && first === undefined) {
      found.push(
        warn("mpirun is of a kind that is not known: neither Open MPI, MPICH nor Intel MPI", "mpirun --version"),
      );
    }
    return found;
  },
};

/** With its version. */
export function flavourOf(said: string): string | undefined {
  const open = /\(Open MPI\) (\S+)/.exec(said)?.[1];
  if (open) return `Open MPI ${open}`;
  const intel = /Intel\(R\) MPI Library.*?Version (\S+(?: Update \d+)?)/.exec(said)?.[1];
  if (intel) return `Intel MPI ${intel}`;
  const hydra = /HYDRA[\s\S]*?Version:\s*(\S+)/.exec(said)?.[1];
  return hydra ? `MPICH ${hydra}` : undefined;
}
