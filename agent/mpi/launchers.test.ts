import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openMpiEnvironment } from "../../test/fakes/open-mpi.js";
import { gang, type Node } from "./gang.js";

/**
 * Real Open MPI and MPICH. On one machine the nodes have names that only the gang knows: launchers then start a daemon on each, the first
 * included, through the shim. What else one machine needs: test/fakes/open-mpi.ts, and a TMPDIR for each node (own-temp.ts).
 */
const openMpi = openMpiEnvironment("$STOKER_RSH");
const mpich = '-launcher rsh -launcher-exec "$STOKER_RSH" -iface lo';

async function three(): Promise<Node> {
  const nodes = await gang("node-a", "node-b", "node-c");
  const [first] = nodes;
  if (!first) throw new Error("no gang");
  writeFileSync(join(first.spool, "hosts"), nodes.map(({ name }) => `${name}\n${name}\n`).join(""));
  return first;
}

const ranks = (text: string) => text.trim().split("\n").sort();
/** Open MPI's own race with whatever it starts, harmless: both put the child into a process group. */
const words = (text: string) => text.replace(/^.*plm:[rs]sh: Warning: setpgid.*\n/gm, "");
const everyRank = [0, 1, 2, 3, 4, 5].map((rank) => `${rank} ${["node-a", "node-b", "node-c"][Math.floor(rank / 2)]}`);
const whoAmI = `sh -c 'echo "\${OMPI_COMM_WORLD_RANK:-$PMI_RANK} $NODE_WORD"'`;

test("Open MPI: every rank runs under its own node, with that node's environment", async () => {
  const node = await three();
  const { seen, ended } = node.run(`${openMpi} mpirun --hostfile hosts -np 6 ${whoAmI}`);
  expect({ code: await ended, ranks: ranks(seen.stdout), words: words(seen.stderr) }).toEqual({
    code: 0,
    ranks: everyRank,
    words: "",
  });
});

test("Open MPI: ranks of three nodes reach one another", async () => {
  const node = await three();
  const program = "from mpi4py import MPI; c = MPI.COMM_WORLD; s = c.allreduce(c.rank); print(c.rank, s, flush=True)";
  const { seen, ended } = node.run(`${openMpi} mpirun --hostfile hosts -np 6 /usr/bin/python3 -c '${program}'`);
  expect({ code: await ended, words: words(seen.stderr) }).toEqual({ code: 0, words: "" });
  expect(ranks(seen.stdout)).toEqual([0, 1, 2, 3, 4, 5].map((rank) => `${rank} 15`));
});

test("Open MPI: the number of ranks is the host file's", async () => {
  const node = await three();
  const { seen, ended } = node.run(`${openMpi} mpirun --hostfile hosts ${whoAmI}`);
  expect({ code: await ended, ranks: ranks(seen.stdout) }).toEqual({ code: 0, ranks: everyRank });
});

test("Open MPI: the exit code of a failing rank is mpirun's", async () => {
  const node = await three();
  const { ended } = node.run(`${openMpi} mpirun --hostfile hosts -np 6 sh -c 'exit 7'`);
  expect(await ended).toBe(7);
});

test("MPICH: every rank runs under its own node, with that node's environment", async () => {
  const node = await three();
  const { seen, ended } = node.run(`mpiexec.hydra ${mpich} -f hosts -n 6 -genvnone ${whoAmI}`);
  expect({ code: await ended, ranks: ranks(seen.stdout), words: words(seen.stderr) }).toEqual({
    code: 0,
    ranks: everyRank,
    words: "",
  });
});

test("MPICH: the user's own mpiexec works by the environment alone", async () => {
  const node = await three();
  const variables = "HYDRA_LAUNCHER=rsh HYDRA_LAUNCHER_EXEC=$STOKER_RSH HYDRA_IFACE=lo";
  const { seen, ended } = node.run(`${variables} mpiexec.hydra -f hosts -n 6 -genvnone ${whoAmI}`);
  expect({ code: await ended, ranks: ranks(seen.stdout) }).toEqual({ code: 0, ranks: everyRank });
});

test("MPICH: a daemon that can't be started ends the launcher, which would wait for it for ever, with the reason", async () => {
  const node = await three();
  const { seen, ended } = node.run(`mpiexec.hydra ${mpich} -hosts node-a,node-z -n 2 ${whoAmI}`);
  expect(await ended).not.toBe(0);
  // MPICH 4.2 finds out by itself; for earlier ones "MPI's daemon on node-z ended with exit code 255 before it reported" stands before it.
  expect(seen.stderr).toContain("node-z: node-z is not a node of this job");
}, 60_000);
