/** Each starts ranks in its own way. Intel's speaks MPICH's language, and other words. */
export type Flavour = "openmpi" | "mpich" | "intelmpi";

export interface Launcher {
  flavour: Flavour;
  /** As it is called by. */
  path: string;
  /** Where that leads to: MPICH's looks for its daemon beside its own name. */
  real: string;
  version: string;
}

const flavours: readonly Flavour[] = ["openmpi", "mpich", "intelmpi"];
const names = { openmpi: "Open MPI", mpich: "MPICH", intelmpi: "Intel MPI" } as const;

/** What `bash -c` runs to find them, after ~/.bashrc, where preparations put the paths of MPI. One line for each. */
export const findLaunchers = `[ -r ~/.bashrc ] && . ~/.bashrc >/dev/null 2>&1
for name in mpirun mpiexec orterun mpirun.openmpi mpiexec.hydra mpirun.mpich; do
  path=$(command -v "$name") || continue
  said=$(timeout 10 "$path" --version 2>&1 </dev/null | head -n 12)
  case $said in
    *"Open MPI"*|*OpenRTE*) flavour=openmpi ;;
    *Intel*) flavour=intelmpi ;;
    *HYDRA*|*Hydra*) flavour=mpich ;;
    *) continue ;;
  esac
  version=$(printf '%s' "$said" | grep -o '[0-9][0-9]*\\.[0-9][0-9.]*' | head -n 1)
  printf '%s\\t%s\\t%s\\t%s\\n' "$flavour" "$path" "$(readlink -f "$path")" "$version"
done`;

/** The first of each flavour. */
export function launchersIn(output: string): Launcher[] {
  const found = new Map<Flavour, Launcher>();
  for (const line of output.split("\n")) {
    const [word, path, real, version = ""] = line.split("\t");
    const flavour = flavours.find((each) => each === word);
    if (!flavour || !path || !real || found.has(flavour)) continue;
    found.set(flavour, { flavour, path, real, version });
  }
  return [...found.values()];
}

export interface PingPong {
  program: string;
  /** One rank on each, the first on the node that starts them. */
  hosts: readonly string[];
  /** Several agents on one machine. */
  oneMachine: boolean;
  secondsPerPair: number;
}

/** What `bash -c` runs on the first of the hosts. What is wanted elsewhere is asked of `$STOKER_RSH`. */
export function pingPongText(launcher: Launcher, { program, hosts, oneMachine, secondsPerPair }: PingPong): string {
  const { flavour, path, real } = launcher;
  // The library lies beside the launcher, when it is not the system's.
  const folder = real.split("/").slice(0, -2).join("/") || "/";
  const command = `${quoted(program)} mpi ${flavour} ${secondsPerPair} ${quoted(folder)}`;
  const list = quoted(hosts.join(","));
  const count = hosts.length;
  const before = "[ -r ~/.bashrc ] && . ~/.bashrc >/dev/null 2>&1";
  switch (flavour) {
    case "openmpi":
      return [
        before,
        `exec ${quoted(path)} $([ "$(id -u)" = 0 ] && echo --allow-run-as-root) --host ${list} -np ${count} --map-by node --bind-to none \\`,
        `  --mca plm_rsh_agent "$STOKER_RSH" --mca routed direct ${oneMachine ? "--mca mpi_yield_when_idle 1 " : ""}${command}`,
      ].join("\n");
    case "mpich":
      return `${before}\nexec ${quoted(real)} -launcher rsh -launcher-exec "$STOKER_RSH" -hosts ${list} -ppn 1 -n ${count} -genvnone ${command}`;
    case "intelmpi":
      return `${before}\nexec ${quoted(path)} -bootstrap rsh -bootstrap-exec "$STOKER_RSH" -hosts ${list} -ppn 1 -n ${count} -genvnone ${command}`;
  }
}

/** What launchers read of their environment, as for jobs. */
export function launcherVariables(rsh: string, oneMachine: boolean): Record<string, string> {
  return {
    ...{ OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1", OMPI_MCA_plm_rsh_agent: rsh },
    ...{ PRTE_ALLOW_RUN_AS_ROOT: "1", PRTE_ALLOW_RUN_AS_ROOT_CONFIRM: "1", PRTE_MCA_plm_ssh_agent: rsh },
    ...{ OMPI_MCA_routed: "direct", PRTE_MCA_plm_ssh_no_tree_spawn: "1" },
    // A machine that falls silent is noticed.
    ...{ OMPI_MCA_oob_tcp_keepalive_time: "5", OMPI_MCA_oob_tcp_keepalive_intvl: "2" },
    OMPI_MCA_oob_tcp_keepalive_probes: "3",
    ...(oneMachine
      ? {
          // Shared memory of the "nodes" would collide by name; and no name server knows them.
          ...{ OMPI_MCA_btl: "tcp,self", OMPI_MCA_btl_tcp_if_include: "lo", OMPI_MCA_oob_tcp_if_include: "lo" },
          ...{ OMPI_MCA_if_base_do_not_resolve: "1", HYDRA_IFACE: "lo" },
          // As in a job: Open MPI 5's collectives wait for ever where several nodes say the same name of their host.
          OMPI_MCA_coll: "^han",
          // Nor do leases see one another's memory.
          ...{ UCX_TLS: "tcp,self", UCX_NET_DEVICES: "lo" },
        }
      : {}),
  };
}

export const inWords = ({ flavour, version }: Pick<Launcher, "flavour" | "version">) =>
  `${names[flavour]}${version === "" ? "" : ` ${version}`}`;

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
