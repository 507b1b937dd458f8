import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { usage } from "../../failure.js";
import { pagingOptions } from "../../options.js";
import type { Verb } from "../../verb.js";
import { pages } from "../lists.js";
import { scopeOf, scopeOptions } from "./scope.js";

export const list: Verb = {
  name: "list",
  description: "List what has happened lately, oldest first",
  details:
    "What somebody has subscribed to is known for a week (of the latest 10000); the rest, of the latest 1000, until the coordinator is started anew",
  example: "stoker event list --lab --since 2h --kind node-lost --kind gpu-failed",
  options: [
    ...scopeOptions,
    { flags: "--since <time>", description: "from then on: 30m, 2h, 3d, or a time such as 2026-01-31T08:00:00Z" },
    { flags: "--kind <kind>", description: "these alone; may be repeated", repeatable: true },
    ...pagingOptions,
  ],
  async run(call) {
    const workspaceId = await scopeOf(call);
    const given = call.text("since");
    const since = given === undefined ? {} : { since: timestampFromMs(sinceOf(given, Date.now())) };
    const kinds = kindsOf(call.texts("kind"));
    const session = await call.session();
    const events = await pages(call, async (page) => {
      const answer = await session.events.listEvents({ workspaceId, kinds, ...since, ...page }, session.limits);
      return { items: answer.events, next: answer.nextPageToken };
    });
    await session.list("event", events);
    return undefined;
  },
};

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function sinceOf(text: string, now: number): number {
  const ago = /^(\d{1,9})([smhd])$/.exec(text.trim());
  if (ago) return Math.max(now - Number(ago[1]) * (unitMs[ago[2] ?? ""] ?? 0), 0);
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at) && at >= 0) return at;
  throw usage(`--since: "${text}" is neither a time such as 2026-01-31T08:00:00Z nor 30m, 2h or 3d`);
}

/** `--kind a,b --kind c` */
export const kindsOf = (given: readonly string[]) =>
  given.flatMap((text) => text.split(",").flatMap((kind) => kind.trim() || []));
