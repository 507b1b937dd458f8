import type { Instant } from "../core/state.js";

export type AttributeValue = string | number | boolean | string[];

/** One finished span, without a word of OpenTelemetry's libraries: those are loaded when somebody wants traces. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** The parent is somebody else's. */
  readonly remoteParent?: boolean;
  readonly name: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Absent: it went well. */
  readonly error?: string;
  readonly events?: ReadonlyArray<{ readonly at: Instant; readonly name: string; readonly text: string }>;
}
