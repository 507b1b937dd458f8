import { experimentOption, jobOption, outputDirectoryOption, pathOption, workspaceOption } from "../options.js";
import type { OptionSpec, Verb } from "../verb.js";
import { list as listNodes } from "./cluster/node/list.js";
import { list as listFiles } from "./job/file/list.js";
import { stream } from "./job/file/stream.js";

/** What scripts of Batch AI's first years say: spellings of `az batchai` before it had workspaces. */

export const olderLocation: OptionSpec = {
  flags: "-l, --location <place>",
  description: "has no effect",
  hidden: true,
};
export const olderConfig: OptionSpec = { flags: "-c, --config <file>", description: "the same as -f", hidden: true };
/** With it, `-c` is the body's file. */
export const olderCluster: OptionSpec = {
  flags: "-r, --cluster-name <name>",
  description: "the cluster",
  hidden: true,
};

const named = (verb: Verb, name: string, short: string, long: string, example: string): Verb => ({
  ...verb,
  name,
  example,
  hidden: true,
  options: [
    // Under its older letter, the same value.
    { flags: `${short}, --${long} <name>`, description: `the ${long}` },
    ...verb.options.filter(({ flags }) => !flags.includes(`--${long} `)),
  ],
});

export const clusterListNodes = named(
  listNodes,
  "list-nodes",
  "-n",
  "cluster",
  "stoker cluster list-nodes -w lab -n gpus",
);
export const jobListFiles = named(
  listFiles,
  "list-files",
  "-n",
  "job",
  "stoker job list-files -w lab -e first -n train",
);
export const jobStreamFile: Verb = {
  ...stream,
  name: "stream-file",
  hidden: true,
  example: "stoker job stream-file -w lab -e first -j train -n stdout.txt",
  options: [
    jobOption,
    workspaceOption,
    experimentOption,
    { flags: "-n, --file-name <name>", description: "file" },
    outputDirectoryOption,
    pathOption,
  ],
};
