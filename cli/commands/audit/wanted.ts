import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Call } from "../../call.js";
import { timeMs } from "../../life.js";
import type { OptionSpec } from "../../verb.js";

export const wantedOptions: readonly OptionSpec[] = [
  { flags: "--user <name>", description: "only what this user did" },
  { flags: "--since <time>", description: "only after it: 2026-07-01T08:00, or 2h for two hours ago" },
  { flags: "--until <time>", description: "only before it" },
  { flags: "--verb <verb>", description: "only such calls: JobService.CreateJob, or a part of it" },
  { flags: "--target <id>", description: "only about what has an id that begins so" },
  { flags: "--outcome <word>", description: "only with this outcome: ok, or a refusal such as permission-denied" },
];

export function wanted(call: Call) {
  const [since, until] = [call.text("since"), call.text("until")];
  return {
    user: call.text("user") ?? "",
    verb: call.text("verb") ?? "",
    target: call.text("target") ?? "",
    outcome: call.text("outcome") ?? "",
    ...(since === undefined ? {} : { since: timestampFromMs(timeMs(since, "--since")) }),
    ...(until === undefined ? {} : { until: timestampFromMs(timeMs(until, "--until")) }),
  };
}
