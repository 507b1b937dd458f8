import { isOutOfService } from "../gpu-faults.js";
import { type Check, holdersOf } from "./check.js";

export const gpus: Check = (job, { node, gpuFaults, room, usage }) => {
  const { share } = job.request;
  const broken = gpuFaults.filter(isOutOfService);
  const listed = broken.filter(({ uuid }) => node.inventory.gpus.some((gpu) => gpu.uuid === uuid));
  const why = listed.map(({ message }) => message).join("; ");
  if (share.kind === "whole") {
    // It counts on all of them.
    return listed.length === 0 ? undefined : { check: "gpus", message: `has a GPU out of service: ${why}` };
  }
  if (room.gpuUuids.length >= share.gpus) return undefined;
  return {
    check: "gpus",
    message: `has ${room.gpuUuids.length} free GPUs, ${share.gpus} needed${why === "" ? "" : `; out of service: ${why}`}`,
    heldBy: holdersOf(usage),
  };
};
