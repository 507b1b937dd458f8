import { pino } from "pino";

/** What the daemons would say is in the timeline already. */
export const log = pino({ level: "silent" });
