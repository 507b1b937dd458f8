import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../fakes/until.js";

/** A number that no machine has given to anybody. */
const ada = 61_003;
const place = ["-w", "lab", "-e", "first"];

let folder: string;
let outside: string;
let home: string;
let site: LocalSite;

/** The agents' own view of the machine, on which there is an account more. */
function withAccount(): string[] {
  for (const [name, line] of [
    ["passwd", `ada:x:${ada}:${ada}:Ada:${home}:/bin/bash`],
    ["group", `ada:x:${ada}:\nlab-of-test:x:61100:ada`],
  ] as const) {
    copyFileSync(`/etc/${name}`, join(folder, name));
    appendFileSync(join(folder, name), `${line}\n`);
  }
  const mounts = ["passwd", "group"].map((name) => `mount --bind ${join(folder, name)} /etc/${name}`).join(" && ");
  return ["unshare", "-m", "/bin/sh", "-c", `${mounts} && exec "$0" "$@"`];
}

/** Those that are not in the middle of their end. */
const processesOf = (uid: number) =>
  readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    const path = `/proc/${name}`;
    return (
      statSync(path, { throwIfNoEntry: false })?.uid === uid &&
      existsSync(path) &&
      !/^State:\s*[ZX]/m.test(readFileSync(`${path}/status`, "utf8"))
    );
  });

async function submit(name: string, spec: object): Promise<void> {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({ nodeCount: 2, ...spec }));
  await site.stoker(["job", "create", "-n", name, ...place, "-c", "all", "-f", path]);
}

/** Its exit code, and the lines of its output in the order of the alphabet. */
async function run(name: string, spec: object): Promise<{ code: unknown; lines: string[]; reason: string }> {
  await submit(name, spec);
  await site.run(["job", "wait", "-n", name, ...place]);
  const shown = await site.stoker(["job", "show", "-n", name, ...place, "-o", "json"]);
  const { executionInfo, attempts } = JSON.parse(shown) as {
    executionInfo?: { exitCode?: number };
    attempts: Array<{ reason: string }>;
  };
  const { stdout } = await site.run(["job", "logs", "-n", name, ...place]);
  const lines = stdout.trim().split("\n").sort();
  return { code: executionInfo?.exitCode, lines, reason: attempts.map(({ reason }) => reason).join("; ") };
}

const numpyLess =
  "from mpi4py import MPI; c = MPI.COMM_WORLD; print(c.allreduce(c.rank), c.bcast(b'x' * (4 << 20)).count(b'x'), flush=True)";
const who = `node=$(basename "$(dirname "$(dirname "$STOKER_SOCKET")")"); echo "$node $AZ_BATCHAI_TASK_INDEX $(id -un) $(id -G) $HOME $USER $LOGNAME $FROM_PROFILE"`;
const whoIs = (node: string, rank: number) => `${node} ${rank} ada ${ada} 61100 ${home} ada ada read`;

describe.skipIf(process.getuid?.() !== 0)("jobs of several nodes, as their submitter's account", () => {
  beforeAll(async () => {
    // Not below /tmp, of which each job has its own: MPICH's daemons begin in the launcher's folder, which every "node" must see.
    outside = mkdtempSync("/run/stoker-test-");
    chmodSync(outside, 0o755);
    folder = join(outside, "site");
    mkdirSync(folder);
    home = join(outside, "home");
    mkdirSync(home, { mode: 0o700 });
    // Where the account may go, wherever this tree is.
    for (const name of ["stoker-shim", "stoker-rsh"]) copyFileSync(join(builtPrograms, name), join(outside, name));
    writeFileSync(join(home, ".bashrc"), "export FROM_PROFILE=read\n");
    chownSync(home, ada, ada);
    site = await LocalSite.start({
      ...{ folder, nodes: ["n1", "n2"], agentEnter: withAccount() },
      agentFlags: ["--cpus", "4", "--accounts", "coordinator-token=ada", "--shim", join(outside, "stoker-shim")],
    });
    await site.stoker(["workspace", "create", "-n", "lab"]);
    await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "2"]);
    await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
  }, 120_000);

  afterAll(async () => {
    await site.stop();
    rmSync(outside, { recursive: true, force: true });
  });

  it("Open MPI: ranks of both nodes are the account's, with its home and profile, and reach one another", async () => {
    const commandLine = `${who}; /usr/bin/python3 -c "${numpyLess}"`;
    const { code, lines, reason } = await run("open", { customMpiSettings: { commandLine, processCount: 4 } });
    expect({ code, reason }).toEqual({ code: 0, reason: "" });
    expect(lines).toEqual([
      ...Array.from({ length: 4 }, () => `6 ${4 << 20}`),
      ...[whoIs("n1", 0), whoIs("n1", 1), whoIs("n2", 2), whoIs("n2", 3)],
    ]);
  }, 120_000);

  it("MPICH: the same, found on the job's own PATH", async () => {
    const programs = join(home, "mpich");
    mkdirSync(programs);
    symlinkSync("/usr/bin/mpirun.mpich", join(programs, "mpirun"));
    appendFileSync(join(home, ".bashrc"), `[ -z "$MPICH" ] || export PATH=${programs}:$PATH\n`);
    const { code, lines, reason } = await run("mpich", {
      customMpiSettings: { commandLine: who, processCount: 4 },
      environmentVariables: [{ name: "MPICH", value: "1" }],
    });
    expect({ code, reason }).toEqual({ code: 0, reason: "" });
    expect(lines).toEqual([whoIs("n1", 0), whoIs("n1", 1), whoIs("n2", 2), whoIs("n2", 3)]);
  }, 120_000);

  it("one launcher's ranks on a node share memory and copy from one another", async () => {
    const commandLine = `mpirun --oversubscribe -np 2 --host localhost:2 --mca btl vader,self --mca btl_vader_single_copy_mechanism cma /usr/bin/python3 -c "${numpyLess}"`;
    const { code, lines, reason } = await run("shared", { nodeCount: 1, customToolkitSettings: { commandLine } });
    expect({ code, reason }).toEqual({ code: 0, reason: "" });
    expect(lines).toEqual(Array.from({ length: 2 }, () => `1 ${4 << 20}`));
  }, 120_000);

  it("the exit code of a rank on the other node is the job's", async () => {
    const commandLine = '[ "$AZ_BATCHAI_TASK_INDEX" = 1 ] || exec sleep 300; exit 7';
    const { code } = await run("failing", { customMpiSettings: { commandLine, processCount: 2 } });
    expect(code).toBe(7);
  }, 120_000);

  it("torch: processes of both nodes find one another and agree on gradients", async () => {
    const script = join(home, "train.py");
    writeFileSync(
      script,
      `import os, torch, torch.distributed as dist
os.environ["USE_LIBUV"] = "0" # Debian 13 builds it without
from torch.nn.parallel import DistributedDataParallel
dist.init_process_group("gloo", init_method=os.environ.get("AZ_BATCHAI_PYTORCH_INIT_METHOD", "env://"), rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))
model = DistributedDataParallel(torch.nn.Linear(1, 1, bias=False))
model(torch.full((1, 1), float(dist.get_rank() + 1))).sum().backward()
print(os.getuid(), model.module.weight.grad.item(), flush=True)
`,
    );
    const { code, lines, reason } = await run("torch", {
      pyTorchSettings: { pythonScriptFilePath: script, pythonInterpreterPath: "/usr/bin/python3", processCount: 2 },
    });
    expect({ code, reason }).toEqual({ code: 0, reason: "" });
    expect(lines).toEqual([`[0] ${ada} 1.5`, `[1] ${ada} 1.5`]);
  }, 120_000);

  it("a stop ends the launcher and all that it started on both nodes, and nothing of it is left", async () => {
    const commandLine = `touch ${home}/up-$AZ_BATCHAI_TASK_INDEX; exec sleep 600`;
    await submit("stopped", { customMpiSettings: { commandLine, processCount: 4 } });
    await until("all ranks are up", () => readdirSync(home).filter((name) => name.startsWith("up-")).length === 4);
    expect(processesOf(ada).length).toBeGreaterThanOrEqual(6);
    await site.stoker(["job", "terminate", "-n", "stopped", ...place, "-y"]);
    await site.run(["job", "wait", "-n", "stopped", ...place]);
    await until("its processes are gone", () => processesOf(ada).length === 0);
    for (const node of ["n1", "n2"])
      await until("its /tmp is gone", () => readdirSync(join(site.agentFolder(node), "tmp")).length === 0);
  }, 120_000);
});
