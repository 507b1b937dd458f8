import type { GetCallerResponse } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { leafOf } from "../ids.js";
import { type Detail, details } from "../output/table.js";
import { shortTime } from "../output/time.js";
import type { Verb } from "../verb.js";

export const whoami: Verb = {
  name: "whoami",
  description: "Show who you are for the coordinator, and what you may do",
  example: "stoker whoami",
  options: [],
  async run(call) {
    const session = await call.session();
    const caller = await session.signIn.getCaller({}, session.limits);
    if (session.isJson) {
      const { plain } = await import("../output/plain.js");
      const { GetCallerResponseSchema } = await import("../../shared/gen/stoker/v1/sign_in_service_pb.js");
      await session.json(plain(GetCallerResponseSchema, caller));
    } else await call.world.out(details(rows(caller)));
    return undefined;
  },
};

const rows = ({ name, credential, administrator, user, token }: GetCallerResponse): Detail[] => [
  ["Name", name],
  ["By", credential],
  ["Administrator", administrator ? "yes" : "no"],
  ...(token?.expiryTime ? [["Until", shortTime(token.expiryTime)] satisfies Detail] : []),
  ...(token?.certificateExpiryTime
    ? [["Certificate until", shortTime(token.certificateExpiryTime)] satisfies Detail]
    : []),
  ...(user?.roles ?? []).map(
    ({ role, workspaceId }): Detail => ["Role", `${role} of ${workspaceId === "" ? "the lab" : leafOf(workspaceId)}`],
  ),
];
