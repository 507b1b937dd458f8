import type { MountFailure } from "../ports.js";

/** What could not be mounted goes into the job's errors with all that helps to find out why. */
export class MountError extends Error implements MountFailure {
  override readonly name = "MountError";
  constructor(
    readonly code: string,
    message: string,
    readonly details: Array<{ name: string; value: string }>,
  ) {
    super(message);
  }
}
