import type { MountFailure } from "../ports.js";

/** Goes into the job's errors as it is. */
export class ContainerError extends Error implements MountFailure {
  override readonly name = "ContainerError";
  readonly code = "FailedStartingContainer";
  readonly details: Array<{ name: string; value: string }>;

  constructor(image: string, message: string, words: string) {
    super(message);
    this.details = [{ name: "imageName", value: image }, ...(words === "" ? [] : [{ name: "output", value: words }])];
  }
}
