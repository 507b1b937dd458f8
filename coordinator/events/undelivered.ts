/** The receiver does not have it, and why, in words without secrets. It is tried again. */
export class Undelivered extends Error {
  override readonly name = "Undelivered";

  constructor(
    message: string,
    /** How long the receiver wants to be left alone. */
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
