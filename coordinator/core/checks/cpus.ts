import { type Check, holdersOf } from "./check.js";

export const cpus: Check = (job, { room, usage }) => {
  const { share } = job.request;
  if (share.kind === "whole" || room.cpus >= share.cpus) return undefined;
  return { check: "cpus", message: `has ${room.cpus} free cores, ${share.cpus} needed`, heldBy: holdersOf(usage) };
};
