import { existsSync } from "node:fs";
import { join } from "node:path";

/** What an image needs of this machine's Open MPI, 4 or 5: programs, and their plug-ins and texts as Debian has them. */
export const openMpiPrograms: string[] = [
  "mpirun",
  ...["orted", "prterun", "prted"].filter((name) => existsSync(join("/usr/bin", name))),
];
export const openMpiFiles: string[] = [
  "/etc/openmpi",
  "/usr/share/openmpi",
  "/usr/share/prte",
  "/usr/lib/x86_64-linux-gnu/openmpi",
  "/usr/lib/x86_64-linux-gnu/pmix2",
].filter((path) => existsSync(path));

/**
 * Words before an `mpirun` of Open MPI, 4 or 5 (whose launcher is PRRTE), that has several "nodes" on one machine: no shared memory between
 * ranks, as two nodes' segments have the same names; nothing that takes ranks of one host for neighbours; TCP over loopback; no look into the
 * DNS, which has none of the names. As variables, which a launcher passes over when it doesn't know them.
 */
export function openMpiEnvironment(remoteShell: string): string {
  const everybody = [`plm_rsh_agent="${remoteShell}"`, "routed=direct", "if_base_do_not_resolve=1"];
  const ranks = ["btl=tcp,self", "coll=^han", "btl_tcp_if_include=lo", "oob_tcp_if_include=lo"];
  const root = ["OMPI_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT"].flatMap((name) => [name, `${name}_CONFIRM`]);
  return [
    ...[...everybody, ...ranks].map((word) => `OMPI_MCA_${word}`),
    `PRTE_MCA_plm_ssh_agent="${remoteShell}"`,
    "PRTE_MCA_plm_ssh_no_tree_spawn=1",
    ...root.map((name) => `${name}=1`),
  ].join(" ");
}
