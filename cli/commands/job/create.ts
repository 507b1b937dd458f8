import { ExecutionState } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import { checkedName } from "../../ids.js";
import {
  clusterOption,
  configFileOption,
  experimentOption,
  idempotencyOption,
  mountOptions,
  nameOption,
  workspaceOption,
} from "../../options.js";
import type { Session } from "../../session.js";
import type { Verb } from "../../verb.js";
import { volumeFlags, warn } from "../bodies.js";
import { olderCluster, olderLocation } from "../older.js";

export const create: Verb = {
  name: "create",
  description: "Submit a job",
  example: "stoker job create -w lab -e first -n train -c gpus -f job.json",
  argument: "[name]",
  options: [
    nameOption("job"),
    workspaceOption,
    experimentOption,
    clusterOption,
    configFileOption("job.json"),
    ...mountOptions,
    olderCluster,
    olderLocation,
    idempotencyOption,
  ],
  async run(call) {
    const name = checkedName(call.name("job"), "job");
    const parent = await call.experiment();
    const older = call.text("clusterName");
    const file = call.text("configFile") ?? (older === undefined ? undefined : call.text("cluster"));
    if (file === undefined) throw usage("which job? give its job.json with -f; stoker run takes a command instead");
    const [{ readBody }, { loadJob, withCluster }] = await Promise.all([
      import("../../body/read.js"),
      import("../../body/job.js"),
    ]);
    const flags = { ...(await volumeFlags(call)), cluster: older ?? call.text("cluster") };
    const { spec, warnings } = loadJob(await readBody(file, call.world), flags);
    const { cluster } = await call.settings();
    if (!spec.cluster?.id) {
      if (cluster === undefined) throw usage("which cluster? give it with -c, STOKER_CLUSTER or a profile");
      withCluster(spec, cluster, flags.workspace);
    }
    await warn(call, file, warnings);
    const session = await call.session();
    const { job } = await session.create(call.text("idempotencyKey"), (idempotencyKey) =>
      session.jobs.createJob({ parent, name, spec, idempotencyKey }, session.limits),
    );
    await session.summary("job", job);
    if (job?.executionState === ExecutionState.QUEUED) await tellTooLarge(call, session, job.id);
    return undefined;
  },
};

/** Such a job waits for a person: who submitted it should hear that at once. */
async function tellTooLarge(call: Call, session: Session, id: string): Promise<void> {
  const { reasons } = await session.jobs.explainJob({ id }, session.limits);
  const reason = reasons.find(({ check }) => check === "cluster-size");
  if (reason) await call.notice(`${id} waits: ${reason.message}`);
}
