import { type Expansion, type Gang, spread, type Variable, variable } from "./toolkit.js";

/**
 * MPI without ssh. The launcher runs on the first node; whatever it wants started elsewhere goes through `$STOKER_RSH`. Which MPI there is
 * shows only on the node (and in the container, and after ~/.bashrc), so the choice is made by the text that runs there.
 */

/** Lets the user's own `mpirun --hostfile $AZ_BATCHAI_MPI_HOST_FILE` find its way too. */
export function launcherEnvironment(oneMachine: boolean): Variable[] {
  return [
    variable("OMPI_ALLOW_RUN_AS_ROOT", 1),
    variable("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", 1),
    variable("OMPI_MCA_plm_rsh_agent", "$STOKER_RSH"),
    // The same for Open MPI 5, whose launcher is PRRTE and knows the older name only as `--mca plm_rsh_agent`.
    variable("PRTE_ALLOW_RUN_AS_ROOT", 1),
    variable("PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", 1),
    variable("PRTE_MCA_plm_ssh_agent", "$STOKER_RSH"),
    // Every daemon is asked for by the launcher itself and stays in the foreground, under its lease.
    variable("OMPI_MCA_routed", "direct"),
    variable("PRTE_MCA_plm_ssh_no_tree_spawn", 1),
    // A machine that falls silent is noticed within about 11 s.
    variable("OMPI_MCA_oob_tcp_keepalive_time", 5),
    variable("OMPI_MCA_oob_tcp_keepalive_intvl", 2),
    variable("OMPI_MCA_oob_tcp_keepalive_probes", 3),
    variable("HYDRA_LAUNCHER", "rsh"),
    variable("HYDRA_LAUNCHER_EXEC", "$STOKER_RSH"),
    variable("I_MPI_HYDRA_BOOTSTRAP", "rsh"),
    variable("I_MPI_HYDRA_BOOTSTRAP_EXEC", "$STOKER_RSH"),
    ...(oneMachine ? loopback : []),
  ];
}

/** Several agents on one machine: shared memory of the "nodes" would collide by name, and only loopback is sure to be there. */
const loopback: Variable[] = [
  variable("OMPI_MCA_btl", "tcp,self"),
  variable("OMPI_MCA_btl_tcp_if_include", "lo"),
  variable("OMPI_MCA_oob_tcp_if_include", "lo"),
  // Open MPI 5's collectives by machine and by rank wait for ever where several nodes say the same name of their host.
  variable("OMPI_MCA_coll", "^han"),
  // Each "node" would bind its ranks to the same cores, and Open MPI 5 refuses more ranks than those.
  variable("OMPI_MCA_hwloc_base_binding_policy", "none"),
  variable("PRTE_MCA_hwloc_default_binding_policy", "none"),
  // No name server knows the gang's names, and one that is slow to say so costs seconds at each start.
  variable("OMPI_MCA_if_base_do_not_resolve", 1),
  variable("HYDRA_IFACE", "lo"),
  variable("GLOO_SOCKET_IFNAME", "lo"),
];

/**
 * One line a node, as Batch AI's file had it and Open MPI reads it. MPICH's launcher refuses the words after the host: it is given
 * a list of hosts, and users of it name `$AZ_BATCH_HOST_LIST`.
 */
export function hostFile(hosts: readonly string[], slotsByNode: readonly number[]): string {
  return slotted(hosts, slotsByNode)
    .map(({ host, slots }) => `${host} slots=${slots} max-slots=${slots}\n`)
    .join("");
}

interface Slotted {
  readonly host: string;
  readonly slots: number;
}

const slotted = (hosts: readonly string[], slotsByNode: readonly number[]): Slotted[] =>
  hosts.map((host, at) => ({ host, slots: slotsByNode[at] ?? 0 })).filter(({ slots }) => slots > 0);

/** `commandLine` as `processCount` ranks over the gang, under one launcher that is the attempt's only logged rank. */
export function mpiExpansion(commandLine: string, processCount: number, gang: Gang): Expansion {
  const slotsByNode = spread(processCount, gang.nodes.length);
  const hosts = gang.nodes.map(({ host }) => host);
  const crowded = gang.oneMachine || gang.nodes.some(({ cpus }, at) => (slotsByNode[at] ?? 0) > cpus);
  return {
    ranks: [
      {
        rank: 0,
        nodeIndex: 0,
        commandLine: launch(rankText(commandLine), processCount, crowded, slotted(hosts, slotsByNode)),
        environment: [],
        stdoutName: "stdout.txt",
        stderrName: "stderr.txt",
      },
    ],
    environment: [],
    slotsByNode,
    endsWith: "first",
  };
}

/** Every rank goes through a bash that has read ~/.bashrc, as Batch AI's did. */
function rankText(commandLine: string): string {
  return [
    `export AZ_BATCHAI_TASK_INDEX="\${OMPI_COMM_WORLD_RANK:-\${PMI_RANK:-0}}"`,
    "[ -r ~/.bashrc ] && . ~/.bashrc",
    commandLine,
  ].join("\n");
}

function launch(text: string, processCount: number, crowded: boolean, hosts: readonly Slotted[]): string {
  const command = `bash -c ${quoted(text)}`;
  const absent =
    processCount === 1
      ? // Nothing to be launched: images without MPI ran such jobs, too.
        [`  exec ${command}; }`]
      : [`  echo "stoker: there is no mpirun on this node's PATH" >&2; exit 127; }`];
  return [
    "stoker_mpi=$(command -v mpirun || command -v mpiexec) || {",
    ...absent,
    `stoker_real=$(readlink -f "$stoker_mpi")`,
    "stoker_flavour=$stoker_real",
    `case "$stoker_flavour" in`,
    "  *mpich*|*orterun*|*openmpi*|*prterun*) ;;",
    `  *) stoker_flavour=$("$stoker_mpi" --version 2>&1 </dev/null) ;;`,
    "esac",
    `case "$stoker_flavour" in`,
    `  *Intel*) exec "$stoker_mpi" ${intelWords(hosts, processCount, command)} ;;`,
    `  *hydra*|*HYDRA*|*Hydra*|*mpich*) exec "$stoker_real" ${mpichWords(hosts, processCount, command)} ;;`,
    `  *) exec "$stoker_mpi" ${openMpiWords(processCount, crowded, command)} ;;`,
    "esac",
  ].join("\n");
}

/** By its real path: it looks for its daemon beside the name that it was called by. */
function mpichWords(hosts: readonly Slotted[], processCount: number, command: string): string {
  const list = hosts.map(({ host, slots }) => `${host}:${slots}`).join(",");
  return `-launcher rsh -launcher-exec "$STOKER_RSH" -hosts ${quoted(list)} -n ${processCount} -genvnone ${command}`;
}

/** The same launcher by its older name, and hosts without counts: as many on each, or each host by itself. */
function intelWords(hosts: readonly Slotted[], processCount: number, command: string): string {
  const start = `-bootstrap rsh -bootstrap-exec "$STOKER_RSH" -genvnone`;
  const most = Math.max(...hosts.map(({ slots }) => slots));
  if (hosts.every(({ slots }) => slots === most)) {
    return `${start} -hosts ${quoted(hosts.map(({ host }) => host).join(","))} -ppn ${most} -n ${processCount} ${command}`;
  }
  const each = hosts.map(({ host, slots }) => `-n ${slots} -host ${quoted(host)} ${command}`);
  return `${start} ${each.join(" : ")}`;
}

function openMpiWords(processCount: number, crowded: boolean, command: string): string {
  return [
    // Images of Batch AI's time have releases that know the flag and not yet the variable.
    `$([ "$(id -u)" = 0 ] && echo --allow-run-as-root)`,
    // Binding would put the ranks of two jobs that share a node on the same cores.
    `--hostfile "$AZ_BATCHAI_MPI_HOST_FILE" -np ${processCount} --map-by slot --bind-to none`,
    `--mca plm_rsh_agent "$STOKER_RSH" --mca routed direct`,
    // Ranks that wait must not keep a core from ranks that work.
    ...(crowded ? ["--mca mpi_yield_when_idle 1"] : []),
    command,
  ].join(" ");
}

export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
