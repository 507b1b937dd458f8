import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../fakes/until.js";

/** A number that no machine has given to anybody. */
const prober = 61_004;
const isRoot = process.getuid?.() === 0;
const nodes = ["n1", "n2", "n3"];

let folder: string;
let site: LocalSite;

/** The agents' own view of the machine, on which there is an account for what belongs to no user. */
function withAccount(): string[] {
  if (!isRoot) return [];
  for (const [name, line] of [
    ["passwd", `prober:x:${prober}:${prober}::/nonexistent:/usr/sbin/nologin`],
    ["group", `prober:x:${prober}:`],
  ] as const) {
    copyFileSync(`/etc/${name}`, join(folder, name));
    appendFileSync(join(folder, name), `${line}\n`);
  }
  const mounts = ["passwd", "group"].map((name) => `mount --bind ${join(folder, name)} /etc/${name}`).join(" && ");
  return ["unshare", "-m", "/bin/sh", "-c", `${mounts} && exec "$0" "$@"`];
}

beforeAll(async () => {
  // Where the account may go and which each test, with a /tmp of its own, still sees, wherever this tree is.
  folder = mkdtempSync(join(isRoot ? "/run" : tmpdir(), "stoker-node-test-"));
  chmodSync(folder, 0o755);
  for (const name of ["stoker-shim", "stoker-rsh", "stoker-node-test"])
    copyFileSync(join(builtPrograms, name), join(folder, name));
  site = await LocalSite.start({
    ...{ folder, nodes, agentEnter: withAccount() },
    agentFlags: [
      "--cpus",
      "4",
      "--shim",
      join(folder, "stoker-shim"),
      ...(isRoot ? ["--accounts", "coordinator-token=prober"] : []),
    ],
  });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "3"]);
}, 120_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Check {
  name: string;
  from?: string;
  peer?: string;
  outcome: string;
  message: string;
  numbers?: Record<string, number>;
}

async function tested(...words: string[]): Promise<{ code: number; checks: Check[] }> {
  const { code, stdout, stderr } = await site.run(["node", "test", "n1", "--wait", "-o", "json", ...words]);
  expect(stderr).toBe("");
  const { tests } = JSON.parse(stdout) as { tests: Array<{ checks: Check[] }> };
  return { code, checks: tests[0]?.checks ?? [] };
}

/** Of the account; those in the middle of their end are over. */
const left = () =>
  readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    const path = `/proc/${name}`;
    if (statSync(path, { throwIfNoEntry: false })?.uid !== prober || !existsSync(path)) return false;
    return !/^State:\s*[ZX]/m.test(readFileSync(`${path}/status`, "utf8"));
  });

it("every pair of a test's nodes plays ping-pong by each MPI that they have, and nothing of it is left", async () => {
  const { checks } = await tested("--network");
  expect(checks.filter(({ name, outcome }) => name === "mpi" || outcome === "failed")).toEqual([]);
  const network = checks.filter(({ name }) => name === "network");
  for (const mpi of ["Open MPI", "MPICH"]) {
    const pairs = network.filter(({ message }) => message.startsWith(`by ${mpi}`));
    expect(pairs.map(({ from = "n1", peer = "" }) => `${from} ${peer}`).sort()).toEqual(["n1 n2", "n1 n3", "n2 n3"]);
    for (const { numbers, message } of pairs) {
      expect(Object.keys(numbers ?? {}).sort()).toEqual(
        [
          ...["bandwidth1KiBMBps", "bandwidth1MiBMBps", "bandwidth64KiBMBps", "bandwidth8MiBMBps"],
          ...["latencyP99Us", "latencyUs"],
        ].sort(),
      );
      expect(numbers?.latencyUs).toBeGreaterThan(0);
      expect(numbers?.bandwidth8MiBMBps).toBeGreaterThan(0);
      expect(message).toMatch(/us one way, .* MB\/s in messages of 8MiB/);
    }
  }
  const { stdout } = await site.run(["node", "show", "n1"]);
  expect(stdout).toMatch(/network, n2 to n3: by Open MPI/);
  await until("its processes are gone", () => left().length === 0);
  for (const node of nodes) {
    await until("its folders are gone", () => {
      const { spool, tmp, fences } = { spool: "spool", tmp: "tmp", fences: "fences" };
      return [spool, tmp, fences].every((name) => {
        const path = join(site.agentFolder(node), name);
        return !existsSync(path) || readdirSync(path).length === 0;
      });
    });
  }
}, 180_000);
