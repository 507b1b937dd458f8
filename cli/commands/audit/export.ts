import type { Verb } from "../../verb.js";
import { wanted, wantedOptions } from "./wanted.js";

export const exportAll: Verb = {
  name: "export",
  description: "Write the audit log, oldest first, a line of JSON for each entry",
  example: "stoker audit export --since 30d > audit.jsonl",
  options: [...wantedOptions],
  async run(call) {
    const session = await call.session();
    const { auditEntry } = (await import("../../output/views/index.js")).views;
    let pageToken = "";
    for (;;) {
      const page = await session.audit.listAuditEntries({ ...wanted(call), pageToken }, session.limits);
      const lines = page.entries.map((entry) => `${JSON.stringify(auditEntry.describe(entry))}\n`);
      await call.world.out(lines.join(""));
      if (page.isLast) return undefined;
      pageToken = page.nextPageToken;
    }
  },
};
