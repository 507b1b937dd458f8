import { setTimeout as delay } from "node:timers/promises";
import type { AuditEntry } from "../../../shared/gen/stoker/v1/audit_pb.js";
import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import type { Session } from "../../session.js";
import type { Verb } from "../../verb.js";
import { wanted, wantedOptions } from "./wanted.js";

const shownUsually = 50;
const followEveryMs = 2_000;

export const list: Verb = {
  name: "list",
  description: "List the latest entries of the audit log, oldest first",
  example: "stoker audit list --since 2h --user ada",
  options: [
    ...wantedOptions,
    { flags: "--max-results <count>", description: `at most so many (default: ${shownUsually})` },
    { flags: "--follow", description: "go on with those that are written from now on, until Ctrl-C" },
  ],
  async run(call) {
    const most = call.whole("maxResults", 1) ?? shownUsually;
    if (most > 100_000) throw usage("--max-results: at most 100000; `stoker audit export` gives all");
    const session = await call.session();
    const entries = (await latest(call, session, most)).reverse();
    await session.list("auditEntry", entries);
    if (call.flag("follow")) await follow(call, session, entries.at(-1)?.number ?? 0n);
    return undefined;
  },
};

async function latest(call: Call, session: Session, most: number): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let pageToken = "";
  do {
    const pageSize = Math.min(1_000, most - entries.length);
    const page = await session.audit.listAuditEntries(
      { ...wanted(call), newestFirst: true, pageSize, pageToken },
      session.limits,
    );
    entries.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && entries.length < most);
  return entries;
}

/** One line of JSON, or of tabs, for each. */
async function follow(call: Call, session: Session, after: bigint): Promise<void> {
  let isOver = false;
  const stop = new AbortController();
  const undo = call.world.onInterrupt(() => {
    isOver = true;
    stop.abort();
  });
  const { auditEntry } = (await import("../../output/views/index.js")).views;
  let pageToken = Buffer.from(`audit ${after}`).toString("base64url");
  try {
    while (!isOver) {
      const page = await session.audit.listAuditEntries({ ...wanted(call), pageToken }, session.limits);
      pageToken = page.nextPageToken;
      for (const entry of page.entries) {
        const line = session.isJson ? JSON.stringify(auditEntry.describe(entry)) : auditEntry.cells(entry).join("\t");
        await call.world.out(`${line}\n`);
      }
      if (page.isLast) await delay(followEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    undo();
  }
}
