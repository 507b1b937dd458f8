import { pairs, type Setting } from "../shared/config.js";
import { readThresholds } from "./core/gang-watch/thresholds.js";

const given = pairs({
  description:
    "when a job's GPUs are said to hang, to be behind their peers, or to be idle: see docs/gang-watch.md for the names; a map in the file",
  placeholder: "name=value,…",
});

/** Kept by name, as they are given; refused when one makes no sense. */
export const gangWatchSettings: { gangWatch: Setting<Record<string, string>> } = {
  gangWatch: {
    ...given,
    parse: (value) => {
      const named = given.parse(value);
      readThresholds(named);
      return named;
    },
  },
};
