import fc from "fast-check";
import type { JobInit } from "../build.js";

/** What may happen to a few machines and jobs. */
export const machines = ["a", "b", "c", "d"] as const;
const machine = fc.constantFrom(...machines);
const job = fc.integer({ min: 0, max: 11 }).map((number) => `j${number}`);

export type Action =
  | {
      do: "submit";
      job: string;
      nodes: number;
      cpus: number;
      gpus: number;
      hours: number;
      priority: string;
      torch: boolean;
      secret: boolean;
    }
  | { do: "obey"; machine: string; count: number }
  | { do: "exit"; machine: string; code: number }
  | { do: "terminate" | "delete"; job: string }
  | { do: "quota"; runningJobs: number; gpus: number }
  | { do: "set-secret" | "delete-secret" }
  | { do: "cut" | "hello" | "reboot" | "drain" | "resume" | "remove"; machine: string }
  | { do: "stale"; machine: string; job: string; attempt: number; what: number }
  | { do: "wait"; seconds: number; speaking: readonly string[] }
  | { do: "restart" };

export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      job,
      nodes: fc.integer({ min: 1, max: 3 }),
      cpus: fc.integer({ min: 0, max: 4 }),
      gpus: fc.integer({ min: 0, max: 2 }),
      hours: fc.integer({ min: 1, max: 40 }),
      priority: fc.constantFrom("low", "normal", "high"),
      torch: fc.boolean(),
      secret: fc.boolean(),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("obey" as const),
      machine,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("exit" as const), machine, code: fc.constantFrom(0, 0, 1) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("terminate" as const, "delete" as const), job }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "cut" as const,
        "hello" as const,
        "reboot" as const,
        "drain" as const,
        "resume" as const,
        "remove" as const,
      ),
      machine,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("stale" as const),
      machine,
      job,
      attempt: fc.integer({ min: 1, max: 4 }),
      what: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      seconds: fc.constantFrom(1, 5, 16, 40),
      speaking: fc.subarray([...machines]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("quota" as const),
      runningJobs: fc.integer({ min: 0, max: 3 }),
      gpus: fc.integer({ min: 0, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("set-secret" as const, "delete-secret" as const) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

export function specOf({
  nodes,
  cpus,
  gpus,
  hours,
  priority,
  torch,
  secret,
}: Extract<Action, { do: "submit" }>): JobInit {
  return {
    nodeCount: nodes,
    schedulingPriority: priority,
    constraints: { maxWallClockTime: `PT${hours}S` },
    ...(secret ? { secrets: [{ name: "S", valueSecretReference: { secretUrl: "s" } }] } : {}),
    // Without cores it takes whole nodes.
    ...(cpus > 0 ? { resources: { cpus, gpus } } : {}),
    ...(torch
      ? { toolkit: { case: "pyTorchSettings", value: { pythonScriptFilePath: "t.py", processCount: nodes } } }
      : {}),
  };
}
