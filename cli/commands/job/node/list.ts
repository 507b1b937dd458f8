import { experimentOption, jobOption, workspaceOption } from "../../../options.js";
import type { Verb } from "../../../verb.js";

export const list: Verb = {
  name: "list",
  description: "List the nodes of a job's latest attempt and how they are reached",
  example: "stoker job node list -w lab -e first -j train",
  options: [jobOption, workspaceOption, experimentOption],
  async run(call) {
    const id = await call.ofJob();
    const session = await call.session();
    const [{ present }, { printLogins }] = await Promise.all([
      import("../../../session.js"),
      import("../../../remote/login.js"),
    ]);
    const job = present((await session.jobs.getJob({ id }, session.limits)).job, "job");
    const nodes = job.attempts.at(-1)?.nodes ?? [];
    await printLogins(
      call.world,
      session,
      nodes.map(({ name, address }) => ({ nodeId: name, ipAddress: address })),
    );
    return undefined;
  },
};
