import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TestCheckSchema } from "../../shared/gen/stoker/v1/node_pb.js";

const outcomes = ["passed", "warned", "failed", "skipped"] as const;
export type Outcome = (typeof outcomes)[number];

export const outcomeOf = (word: unknown): Outcome | undefined => outcomes.find((each) => each === word);

/** How one part of a test went. */
export interface Check {
  name: "health" | "dcgmi" | "cuda" | "sample" | "memory" | "network" | "mpi";
  /** "" where it is not of one GPU. */
  gpuUuid: string;
  outcome: Outcome;
  message: string;
  numbers: Record<string, number>;
  peer?: string;
  /** The node at this end, where that is not the one that is tested. */
  from?: string;
}

export const checkMessage = ({ peer = "", from = "", ...check }: Check): MessageInitShape<typeof TestCheckSchema> => ({
  ...check,
  ...{ peer, from },
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
  const outcome = outcomeOf(said.outcome);
  const numbers = "numbers" in said && typeof said.numbers === "object" && said.numbers !== null ? said.numbers : {};
  const finite = Object.entries(numbers).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return outcome && { outcome, message: String(said.message), numbers: Object.fromEntries(finite) };
}
