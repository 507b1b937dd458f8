import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { expect, it, type TestContext } from "vitest";
import type { LeaseId } from "../../shared/ids.js";
import { openMpiEnvironment } from "../fakes/open-mpi.js";
import { until } from "../fakes/until.js";
import { WatchSite } from "../fakes/watch-site.js";

/**
 * Real connections between the ranks of two nodes, each with a lease of its own here. One node is frozen for longer than a lease lasts: the
 * others wait for it in TCP, and all go on when it does.
 */
const python = "/usr/bin/python3";
const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
const canImport = (name: string) => spawnSync(python, ["-c", `import ${name}`]).status === 0;
const longerThanALeaseMs = 12_500;
const longMs = 60_000;

/** Rounds in which every rank waits for every other, until the file `stop` is there. Rank 0 keeps the tally. */
const rounds = (dir: string, setUp: string, sum: string, say: string) => `
import os, time
${setUp}
count = 0
while True:
    count += 1
    ended = 1 if rank == 0 and os.path.exists("${dir}/stop") else 0
    total = ${sum}
    if total > 0: break
    if rank == 0:
        with open("${dir}/tally", "w") as f: f.write(str(count))
    time.sleep(0.01)
${say}
`;

async function freezeForLongerThanALease(site: WatchSite, frozen: LeaseId): Promise<void> {
  const tally = () => Number(existsSync(join(site.dir, "tally")) ? readFileSync(join(site.dir, "tally"), "utf8") : 0);
  await until("some rounds", () => tally() > 20, longMs);
  site.renew(frozen, 0);
  await until("the mark", () => readFileSync(site.fences.path(frozen), "latin1").includes("frozen"), longMs);
  // One round may be under way.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const held = tally();
  await new Promise((resolve) => setTimeout(resolve, longerThanALeaseMs));
  expect(tally()).toBe(held);
  site.renew(frozen, 600_000);
  await until("more rounds", () => tally() > held + 20, longMs);
  writeFileSync(join(site.dir, "stop"), "");
}

async function siteWithWatchdog({ onTestFinished }: TestContext): Promise<WatchSite> {
  const site = new WatchSite();
  onTestFinished(() => site.stop());
  await site.watch("--replace");
  return site;
}

it.skipIf(!canImport("mpi4py"))(
  "of Open MPI outlive a freeze",
  { timeout: 180_000, concurrent: true },
  async (context) => {
    const site = await siteWithWatchdog(context);
    const [launching, a, b] = [site.lease(600_000), site.lease(600_000), site.lease(600_000)];
    // As the target side of a remote start does it, under the lease of that node; on one machine each node needs a TMPDIR of its own.
    const agent = join(site.dir, "rsh");
    const spool = (lease: LeaseId) => join(site.dir, "spool", lease, "remote/1");
    for (const lease of [a, b]) mkdirSync(spool(lease), { recursive: true });
    for (const host of ["node-a", "node-b"]) mkdirSync(join(site.dir, host));
    writeFileSync(
      agent,
      `#!/bin/sh
case $1 in node-a) lease=${a};; *) lease=${b};; esac
export TMPDIR=${site.dir}/$1 STOKER_LEASE=$lease
shift
exec ${shim} run --dir ${site.dir}/spool/$lease/remote/1 --fence ${site.dir}/fences/$lease -- sh -c "$*"
`,
    );
    chmodSync(agent, 0o755);
    writeFileSync(join(site.dir, "hosts"), "node-a slots=1\nnode-b slots=1\n");
    writeFileSync(
      join(site.dir, "rounds.py"),
      rounds(
        site.dir,
        "from mpi4py import MPI\nworld = MPI.COMM_WORLD\nrank = world.rank",
        "world.allreduce(ended)",
        'print("ended", world.size, flush=True)',
      ),
    );
    const launcher = site.rank(
      launching,
      `cd ${site.dir}; export HOME=${site.dir} ${openMpiEnvironment(agent)}; mpirun --hostfile hosts -np 2 ${python} rounds.py`,
    );
    await freezeForLongerThanALease(site, b);
    await until("mpirun's end", () => launcher.exitCode !== null, longMs);
    expect(site.exitOf(launching), site.errorsOf(launching)).toContain('"code":0');
    const output = readFileSync(join(site.dir, "spool", launching, "rank-0/stdout"), "utf8");
    expect(output.match(/ended 2/g)).toHaveLength(2);
  },
);

it.skipIf(!canImport("torch"))("of Gloo outlive a freeze", { timeout: 180_000, concurrent: true }, async (context) => {
  const site = await siteWithWatchdog(context);
  const leases = [site.lease(600_000), site.lease(600_000)];
  const port = await freePort();
  writeFileSync(
    join(site.dir, "rounds.py"),
    rounds(
      site.dir,
      `import torch, torch.distributed as dist
dist.init_process_group("gloo")
rank = dist.get_rank()
def reduced(value):
    one = torch.tensor([value])
    dist.all_reduce(one)
    return int(one[0])`,
      "reduced(ended)",
      // The first holds the store of both: one that leaves before the other was told ends that one by a signal.
      'dist.barrier(); print("ended", dist.get_world_size(), flush=True); dist.destroy_process_group()',
    ),
  );
  const environment = `MASTER_ADDR=127.0.0.1 MASTER_PORT=${port} WORLD_SIZE=2 GLOO_SOCKET_IFNAME=lo OMP_NUM_THREADS=1 USE_LIBUV=0`;
  const ranks = leases.map((lease, rank) =>
    site.rank(lease, `export ${environment} RANK=${rank}; exec ${python} ${site.dir}/rounds.py`),
  );
  await freezeForLongerThanALease(site, leases[1] as LeaseId);
  await until("their end", () => ranks.every(({ exitCode }) => exitCode !== null), longMs);
  for (const lease of leases) expect(site.exitOf(lease), site.errorsOf(lease)).toContain('"code":0');
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
