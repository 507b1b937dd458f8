import type { Welcome } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { advice, isLatest, objection, withObeyed } from "./core/obedience.js";
import { lifeOf } from "./link/life.js";
import type { ObeyedFile } from "./obeyed-file.js";

/** Why the coordinator that says this is not obeyed; undefined when it is, which is remembered. `busy`: leases are held. */
export function objectionTo(welcome: Welcome, file: ObeyedFile, busy: boolean): string | undefined {
  const obeyed = file.read();
  const said = lifeOf(welcome);
  const why = objection(obeyed, said, busy);
  if (why !== undefined) return `${why}: ${advice}`;
  if (said && !isLatest(obeyed, said)) file.write(withObeyed(obeyed, said));
  return undefined;
}
