import type { Call } from "../../call.js";
import { exitCode, usage } from "../../failure.js";
import { checkedName } from "../../ids.js";
import { clusterOption, experimentOption, idempotencyOption, workspaceOption } from "../../options.js";
import type { Session } from "../../session.js";
import type { Verb } from "../../verb.js";
import { Interrupt } from "./interrupt.js";
import { jobName } from "./job-name.js";
import { shellText } from "./shell-text.js";

export const run: Verb = {
  name: "run",
  description: "Run a command as a job, follow its log and end with its exit code",
  details:
    "Without --mpi or --torch it runs once, on the first node. One word is a shell script as it stands, several are a " +
    "program and its arguments. Ctrl-C asks whether to terminate the job; a second one leaves it running.",
  example: "stoker run -N 2 --torch -n 4 --gpus 2 -- python3 train.py --epochs 10",
  argument: "<command...>",
  passThrough: true,
  options: [
    { flags: "-N, --nodes <count>", description: "how many nodes (default: 1)" },
    { flags: "--mpi", description: "the command is every rank of an MPI job, written without mpirun" },
    { flags: "--torch", description: "the command is every process of a torch.distributed job" },
    { flags: "-n, --processes <count>", description: "processes in all, with --mpi or --torch (default: one a node)" },
    { flags: "--gpus <count>", description: "GPUs of each node (with none of these three: whole nodes)" },
    { flags: "--cpus <count>", description: "cores of each node" },
    { flags: "--memory <size>", description: "memory of each node, such as 16g" },
    { flags: "--env <NAME=VALUE>", description: "environment variable; may be repeated", repeatable: true },
    { flags: "--priority <priority>", description: "low, normal or high" },
    { flags: "--name <name>", description: "the job's name (default: made from the command)" },
    { flags: "-d, --detach", description: "print the job's id and leave it to itself" },
    workspaceOption,
    experimentOption,
    clusterOption,
    idempotencyOption,
  ],
  async run(call) {
    const nodes = call.whole("nodes", 1) ?? 1;
    const processes = call.whole("processes", 1);
    const name = checkedName(call.text("name") ?? jobName(call.words), "job");
    if (call.flag("mpi") && call.flag("torch")) throw usage("--mpi and --torch: give one of them");
    const flags = {
      command: shellText(call.words),
      nodes,
      processes,
      mpi: call.flag("mpi"),
      torch: call.flag("torch"),
      gpus: call.whole("gpus"),
      cpus: call.whole("cpus", 1),
      memory: call.text("memory"),
      priority: call.text("priority"),
      environment: call.texts("env"),
    };
    const session = await call.session();
    const [{ placeOf }, { specOf }] = await Promise.all([import("./place.js"), import("./spec.js")]);
    specOf({ ...flags, cluster: "" });
    const { cluster, experiment } = await placeOf(call, session);
    const spec = specOf({ ...flags, cluster });
    const { job } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.jobs.createJob({ parent: experiment, name, spec, idempotencyKey }, session.limits),
    );
    const id = job?.id ?? `${experiment}/jobs/${name}`;
    if (call.flag("detach")) {
      await call.world.out(`${id}\n`);
      return undefined;
    }
    if (call.world.isInteractive) await call.notice(`job ${id}`);
    return follow(call, session, id, name);
  },
};

async function follow(call: Call, session: Session, id: string, name: string): Promise<number> {
  const { followRun } = await import("../../follow/run.js");
  const interrupt = new Interrupt(call, name, async () => {
    await session.jobs.terminateJob({ id }, session.limits);
  });
  const end = await followRun(call, session, id, interrupt.detached);
  const stopped = interrupt.happened;
  await interrupt.end();
  if (end === undefined) {
    await call.notice(`job ${id} goes on; stoker job logs -f -n ${id} follows it, stoker job terminate ends it`);
    return exitCode.interrupted;
  }
  if (end.failure && !stopped) await call.notice(end.failure);
  return stopped && end.exitCode !== 0 ? exitCode.interrupted : end.exitCode;
}
