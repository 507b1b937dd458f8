import type { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { CallContext, Handlers } from "../../../shared/grpc.js";
import type { JobId } from "../../../shared/ids.js";
import { findJob } from "../../core/names.js";
import type { OpenStreams } from "../open-streams.js";
import type { ApiPorts } from "../ports.js";
import { jobView } from "../views/job.js";
import { Wakeup } from "../wakeup.js";

/** Ends with the job's end, or when it is deleted. */
export function watchJob(ports: ApiPorts, open: OpenStreams): Handlers<typeof JobService>["watchJob"] {
  return (request, context) => watch(ports, open, findJob(ports.state(), request.id).uuid, context);
}

async function* watch(ports: ApiPorts, open: OpenStreams, uuid: JobId, { signal, peer }: CallContext) {
  using _ = open.hold(peer);
  const news = new Wakeup();
  const wake = () => news.wake();
  const stop = ports.feed.listen(uuid, wake);
  // Thousands may begin at once, each with a message: they take turns from the first one on.
  ports.feed.tell(wake);
  try {
    let told = "";
    for (;;) {
      await news.wait(signal);
      if (signal.aborted) return;
      const state = ports.state();
      const row = state.jobs.get(uuid);
      if (!row) return;
      const attempts = state.attempts.get(uuid) ?? [];
      // A gang's reports change the row in ways that nobody sees.
      const seen = JSON.stringify([
        row.state.kind,
        row.state.since,
        row.attempt,
        row.deleting,
        attempts.map((each) => each.state),
      ]);
      if (seen !== told) yield { job: jobView(state, row) };
      told = seen;
      if (row.state.kind === "finished") return;
    }
  } finally {
    stop();
  }
}
