import type { ResourceError } from "../../../shared/gen/stoker/v1/error_pb.js";
import type { Detail } from "../table.js";

/** An error that a resource keeps, in one line. */
export function errorText({ code, message, details }: ResourceError): string {
  const told = details.map(({ name, value }) => `${name}: ${value}`).join(", ");
  return `${code}: ${message}${told ? ` (${told})` : ""}`;
}

export const errorLines = (errors: readonly ResourceError[]): Detail[] =>
  errors.map((error) => ["Error", errorText(error)]);
