import { memoryFor } from "../usage.js";
import { type Check, holdersOf } from "./check.js";

export const memory: Check = (job, { node, room, usage }) => {
  const { share } = job.request;
  if (share.kind === "whole") return undefined;
  const needed = memoryFor(share, node);
  if (room.memoryBytes >= needed) return undefined;
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
  const message = `has ${mebibytes(room.memoryBytes)} of free memory, ${mebibytes(needed)} needed`;
  return { check: "memory", message, heldBy: holdersOf(usage) };
};
