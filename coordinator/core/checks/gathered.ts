import { isOfBackup } from "../restored.js";
import type { Check } from "./check.js";

const named = 3;

/** Of a job that the backup held another attempt may run where nobody has told us yet. */
export const gathered: Check = (job, _candidate, { world }) => {
  if (!isOfBackup(world, job)) return undefined;
  const names = [...world.index.awaited.values()];
  if (names.length === 0) return undefined;
  const shown = names.slice(0, named).join(", ") + (names.length > named ? ` and ${names.length - named} more` : "");
  return {
    check: "gathered",
    message: `waits, because the catalog was restored from a backup and ${shown} may still run the job: start the agents there or, where the machine is off, say \`stoker node declare-lost\``,
  };
};
