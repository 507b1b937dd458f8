import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { type BenchSite, finished, mark, marked, nodes, single } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";

/** From the client's call to the process' own first look at the clock, with nothing else to do. */
export async function submitToStart(site: BenchSite): Promise<Record<string, number>> {
  const spec = (folder: string) => single(mark(`${folder}/0`));
  const samples = await timed(site, { name: "submit", samples: 30, processes: 1, spec });
  return { p50: percentile(samples, 50), p95: percentile(samples, 95) };
}

/** A process on each of four nodes, to the start of the last. */
export async function gangStart(site: BenchSite): Promise<Record<string, number>> {
  const spec = (folder: string): ReturnType<typeof single> => ({
    cluster: { id: "all" },
    nodeCount: nodes.length,
    toolkit: {
      case: "pyTorchSettings",
      value: {
        commandLine: mark(`${folder}/$AZ_BATCHAI_TASK_INDEX`),
        processCount: nodes.length,
        communicationBackend: "gloo",
      },
    },
  });
  const samples = await timed(site, { name: "gang", samples: 20, processes: nodes.length, spec });
  return { p50: percentile(samples, 50) };
}

/** The same for an MPI program, past MPI_Init and a barrier. */
export async function mpiStart(site: BenchSite): Promise<Record<string, number>> {
  const probe = join(site.folder, "mpi-probe");
  execFileSync("gcc", ["-O2", "-o", probe, resolve(import.meta.dirname, "../mpi-probe.c"), "-l:libmpi.so.40"]);
  const spec = (folder: string): ReturnType<typeof single> => ({
    cluster: { id: "all" },
    nodeCount: nodes.length,
    toolkit: {
      case: "customMpiSettings",
      value: { commandLine: `${probe} ${folder}`, processCount: nodes.length },
    },
  });
  const samples = await timed(site, { name: "mpi", samples: 11, processes: nodes.length, spec });
  return { p50: percentile(samples, 50) };
}

interface Timed {
  name: string;
  samples: number;
  processes: number;
  spec(folder: string): ReturnType<typeof single>;
}

/** Runs one job after the other; milliseconds from each submit to its last mark. The first is to warm up. */
async function timed(site: BenchSite, { name, samples, processes, spec }: Timed): Promise<number[]> {
  const parent = await site.experiment(name);
  const jobs = site.jobs();
  const times: number[] = [];
  for (let sample = 0; sample <= samples; sample++) {
    const folder = site.marks();
    const submitted = wallMs();
    const { job } = await jobs.createJob({ parent, name: `j${sample}`, spec: spec(folder) });
    await finished(jobs, job?.id ?? "");
    const starts = await marked(folder, processes);
    if (sample > 0) times.push(Math.max(...starts) - submitted);
  }
  return times;
}
