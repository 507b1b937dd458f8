import { type Check, holdersOf } from "./check.js";

export const gpus: Check = (job, { room, usage }) => {
  const { share } = job.request;
  if (share.kind === "whole" || room.gpuUuids.length >= share.gpus) return undefined;
  return {
    check: "gpus",
    message: `has ${room.gpuUuids.length} free GPUs, ${share.gpus} needed`,
    heldBy: holdersOf(usage),
  };
};
