import { unreachable } from "../../shared/assert.js";
import { hasProcesses, type LeaseRun } from "./lease-state.js";

/** What the node is at for a lease, in words for people; "" while it waits for nothing but its own ranks, or for the rest of the gang. */
export function doing(run: LeaseRun): string {
  const { progress } = run;
  switch (progress.phase) {
    case "waiting":
      return "waiting for the job's earlier attempt to be gone from this node";
    case "preparing":
      return preparing[progress.step];
    case "stopping":
      // A step that was given up has to come to its end first.
      if (progress.step === "processes" && run.busy && !hasProcesses(run)) return "ending a step of its preparation";
      return stopping[progress.step];
    case "done":
      return run.logsComplete ? "telling the coordinator that it is over" : "delivering the rest of its logs";
    case "ready":
    case "running":
      return "";
    default:
      return unreachable(progress);
  }
}

const preparing = {
  local: "making room for it on this node",
  mounts: "mounting volumes",
  directories: "making its directories",
  container: "starting its container",
  preparation: "running the job preparation command",
} as const;

const stopping = {
  processes: "waiting for its processes to end",
  remains: "ending what its processes left running",
  container: "removing its container",
  copies: "copying the rest of its std files into its directory",
  unmount: "unmounting its volumes",
} as const;
