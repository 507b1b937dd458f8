import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LocalSite } from "../../scripts/site/local-site.js";

let folder: string;
let site: LocalSite;

/** What "the kernel" of the second node says, one record a read. */
const kernelLog = () => join(folder, "kmsg");
const place = ["-w", "lab", "-e", "first"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-mpi-deaths-"));
  writeFileSync(kernelLog(), "");
  site = await LocalSite.start({
    ...{ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "4"] },
    flagsOf: (node) => (node === "n2" ? ["--kernel-log", kernelLog()] : []),
  });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "2"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
}, 120_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Two ranks under mpirun, one a node; the second does this after so long that its node has seen it. */
async function run(name: string, then: string): Promise<string> {
  const path = join(folder, `${name}.json`);
  const commandLine = `[ "$AZ_BATCHAI_TASK_INDEX" = 1 ] || exec sleep 300; sleep 3; ${then}; sleep 300`;
  writeFileSync(path, JSON.stringify({ nodeCount: 2, customMpiSettings: { commandLine, processCount: 2 } }));
  await site.stoker(["job", "create", "-n", name, ...place, "-c", "all", "-f", path]);
  await site.run(["job", "wait", "-n", name, ...place]);
  const shown = await site.stoker(["job", "show", "-n", name, ...place, "-o", "json"]);
  const { attempts } = JSON.parse(shown) as { attempts: Array<{ reason: string }> };
  return attempts[0]?.reason ?? "";
}

it("a rank on another node that dies of its own mistake is explained by what that node's kernel says", async () => {
  const line =
    "4,9,$(($(cut -d. -f1 /proc/uptime) * 1000000)),-;python3[$$]: segfault at 0 ip 00007f sp 00007f error 4";
  const reason = await run("crashed", `echo "${line}" >> ${kernelLog()}; kill -SEGV $$`);
  // What the launcher says of it (Open MPI 5 by the host's name, and in two lines), and why, as its own node knows.
  expect(reason).toMatch(/process rank 1 with PID \d+ on node \S+ exited on/);
  expect(reason).toMatch(/on node n2, rank 1 \(process \d+, \w+\): it used memory that is not its own \(SIGSEGV\)/);
}, 120_000);
