import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import type { TestsHost } from "../../agent/health-ports.js";
import { MachineTests } from "../../agent/tests/node-tests.js";
import { TestOrderSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Report } from "./report.js";

/** What `stoker node test --quick` does with one GPU, by the agent's own parts. */
export async function activeTest(program: string, gpu: { uuid: string; index: number }, report: Report): Promise<void> {
  type Send = Parameters<TestsHost["send"]>[0];
  let told: (message: Extract<Send, { case: "testResult" }>["value"]) => void = () => undefined;
  const result = new Promise<Extract<Send, { case: "testResult" }>["value"]>((resolve) => {
    told = resolve;
  });
  const tests = new MachineTests(
    {
      ...{ nodeName: "here", address: "127.0.0.1", tested: () => undefined, fault: () => "", index: () => gpu.index },
      send: (message) => {
        if (message.case === "testResult") told(message.value);
      },
      lease: () => Promise.reject(new Error("no network is tested here")),
    },
    { program },
    pino({ level: "silent" }),
  );
  tests.received({
    case: "testOrder",
    value: create(TestOrderSchema, { testId: "check", gpuUuids: [gpu.uuid], quick: true }),
  });
  for (const { name = "", outcome, message = "" } of (await result).checks ?? []) {
    if (name === "health") continue;
    if (outcome === "skipped") report.skip(name, message);
    else report.judge(outcome !== "failed", `${name}: ${message}`);
  }
}
