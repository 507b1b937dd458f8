import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";
import { assert } from "../../shared/assert.js";
import { Fault } from "../../shared/fault.js";
import { admitTraceParent } from "../core/trace-context.js";

const keyLengthMax = 200;

/** The caller's idempotency key with a digest of everything else in the request; nothing when there is no key. */
export function idempotencyOf<D extends DescMessage>(
  schema: D,
  request: MessageShape<D> & { idempotencyKey: string },
): { idempotency?: { key: string; digest: string } } {
  const key = request.idempotencyKey;
  if (key === "") return {};
  if (key.length > keyLengthMax || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Fault(
      "invalid-argument",
      `idempotency_key has 1 to ${keyLengthMax} printable ASCII characters without blanks`,
    );
  }
  const body = toBinary(schema, { ...request, idempotencyKey: "" });
  return { idempotency: { key, digest: createHash("sha256").update(body).digest("base64url") } };
}

/** The W3C trace context that the call was made in. */
export function tracedBy(metadata: Metadata): { traceParent?: string } {
  const traceParent = admitTraceParent(metadata.get("traceparent")[0]?.toString());
  return traceParent === undefined ? {} : { traceParent };
}

/** The record that an event has just made or named. The core promises its UUID with every create. */
export function made<K extends string, V>(table: { get(key: K): V | undefined }, subject: string | undefined): V {
  assert(subject !== undefined, "an event about a resource names it");
  const row = table.get(subject as K);
  // Deleted by another call that shared the commit.
  if (row === undefined) throw new Fault("not-found", "the resource was deleted meanwhile");
  return row;
}
