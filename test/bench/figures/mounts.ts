import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { LocalSite } from "../../../scripts/site/local-site.js";
import { freePort, until } from "../../../scripts/site/processes.js";
import type { JobSpecSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { connect } from "../../../shared/grpc.js";
import { NfsStandIn } from "../../fakes/nfs-stand-in.js";
import { finished, mark, marked } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";

const samples = 20;
const volumes = ["one", "two"];

/**
 * From the call to the start of a process with two NFS volumes, a preparation and a directory on one of them, without the time in which a mount
 * command ran. Where the kernel has no NFS client, the command is a stand-in that binds a folder: all of Stoker's own part is the same.
 */
export async function mountAndPrepare(): Promise<Record<string, number>> {
  const hasClient = /\bnfs4?$/m.test(readFileSync("/proc/filesystems", "utf8")) && existsSync("/usr/bin/ganesha.nfsd");
  process.stderr.write(
    `mountAndPrepareMs: mounted by ${hasClient ? "the kernel's NFS client from NFS-Ganesha" : "a stand-in that binds a folder (this kernel has no NFS client)"}\n`,
  );
  const folder = mkdtempSync(join(tmpdir(), "stoker-bench-mounts-"));
  const mounts = new NfsStandIn(folder, hasClient);
  const port = String(hasClient ? await freePort() : 2049);
  const serving = ["--serve-files", join(folder, "offered"), "--nfs-port", port, "--system-path", mounts.path];
  const local = await LocalSite.start({ folder, nodes: ["n1"], agentFlags: serving });
  const connection = connect(local.address, local.credential);
  try {
    await furnish(local, mounts, folder, hasClient);
    const jobs = connection.client(JobService);
    const times: number[] = [];
    for (let sample = 0; sample <= samples; sample++) {
      const marks = join(folder, "marks", String(sample));
      mkdirSync(marks, { recursive: true });
      const submitted = wallMs();
      const parent = "workspaces/bench/experiments/mounts";
      const { job } = await jobs.createJob({ parent, name: `j${sample}`, spec: spec(marks) });
      await finished(jobs, job?.id ?? "");
      const [started = 0] = await marked(marks, 1);
      // The first is to warm up.
      if (sample > 0) times.push(started - submitted - mounting(mounts.times.slice(-volumes.length)));
    }
    return { p50: percentile(times, 50) };
  } finally {
    connection.close();
    await local.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function furnish(local: LocalSite, mounts: NfsStandIn, folder: string, hasClient: boolean): Promise<void> {
  await local.stoker(["workspace", "create", "-n", "bench"]);
  await local.stoker(["cluster", "create", "-w", "bench", "-n", "all", "-s", "any", "-t", "1"]);
  await local.stoker(["experiment", "create", "-w", "bench", "-n", "mounts"]);
  for (const name of volumes) {
    const directory = join(folder, "offered", name);
    mkdirSync(directory, { recursive: true });
    mounts.export(`filer:/${name}`, directory);
    const where = hasClient ? ["--node", "n1", "--directory", directory] : ["--existing", `filer:/${name}`];
    await local.stoker(["file-server", "create", "-w", "bench", "-n", name, ...where]);
  }
  const nodes = async () => ((await local.stoker(["node", "list"])).includes("idle") ? true : undefined);
  await until("the node is in the cluster", nodes, 30_000);
  execFileSync("sync");
}

const spec = (marks: string): MessageInitShape<typeof JobSpecSchema> => ({
  cluster: { id: "all" },
  nodeCount: 1,
  resources: { cpus: 1 },
  mountVolumes: { fileServers: volumes.map((name) => ({ fileServer: { id: name }, relativeMountPath: name })) },
  outputDirectories: [{ id: "OUT", pathPrefix: "$AZ_BATCHAI_JOB_MOUNT_ROOT/one" }],
  jobPreparation: { commandLine: "true" },
  toolkit: { case: "customToolkitSettings", value: { commandLine: mark(`${marks}/0`) } },
});

/** The time in which at least one of them ran. */
function mounting(times: ReadonlyArray<{ began: number; ended: number }>): number {
  let [sum, until] = [0, 0];
  for (const { began, ended } of [...times].sort((a, b) => a.began - b.began)) {
    sum += Math.max(0, ended - Math.max(began, until));
    until = Math.max(until, ended);
  }
  return sum;
}
