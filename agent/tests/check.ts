import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TestCheckSchema } from "../../shared/gen/stoker/v1/node_pb.js";

export type Outcome = "passed" | "failed" | "skipped";

/** How one part of a test went. */
export interface Check {
  name: "health" | "dcgmi" | "cuda" | "memory" | "network";
  /** "" where it is not of one GPU. */
  gpuUuid: string;
  outcome: Outcome;
  message: string;
  numbers: Record<string, number>;
  peer?: string;
}

export const checkMessage = ({ peer = "", ...check }: Check): MessageInitShape<typeof TestCheckSchema> => ({
  ...check,
  peer,
});

/** The line of JSON that stoker-node-test ends with; undefined when there is none. */
export function readLine(output: string): Pick<Check, "outcome" | "message" | "numbers"> | undefined {
  const line = output.trim().split("\n").at(-1) ?? "";
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof said !== "object" || said === null || !("outcome" in said) || !("message" in said)) return undefined;
  const outcome = (["passed", "failed", "skipped"] as const).find((each) => each === said.outcome);
  const numbers = "numbers" in said && typeof said.numbers === "object" && said.numbers !== null ? said.numbers : {};
  const finite = Object.entries(numbers).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return outcome && { outcome, message: String(said.message), numbers: Object.fromEntries(finite) };
}
