import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { Fault } from "./fault.js";
import { countFields } from "./wire-fields.js";

/** Far more than any honest message has; so many are decoded in some 20 ms. */
const fieldsMax = 60_000;

/** Stands for a request that can't be read: what grpc-js makes of a throw would look like our own failure. */
class Unreadable {
  constructor(readonly fault: Fault) {}
}

export function decodeRequest(schema: DescMessage, bytes: Buffer): unknown {
  if (countFields(schema, bytes, fieldsMax) > fieldsMax) {
    return new Unreadable(
      new Fault("resource-exhausted", `the message has more than ${fieldsMax} fields, the most that is taken at once`),
    );
  }
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new Unreadable(new Fault("invalid-argument", `the message is no ${schema.typeName}: ${reason}`));
  }
}

/** Throws the Fault of one that could not be read. */
export function readable(request: unknown): unknown {
  if (request instanceof Unreadable) throw request.fault;
  return request;
}

export async function* allReadable(requests: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  for await (const request of requests) yield readable(request);
}
