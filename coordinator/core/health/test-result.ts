import type { TestResult } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { TestCheck as Told } from "../../../shared/gen/stoker/v1/node_pb.js";
import { ignore } from "../agents/heartbeat.js";
import { cut } from "../cut.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import { faultsOf, isOutOfService } from "../gpu-faults.js";
import { nodeNamed } from "../names.js";
import { healthOf, rememberFailure } from "./failures.js";
import { activeTest, type NodeTest, type TestCheck } from "./record.js";
import { changed, withTest } from "./tests.js";

const checksMax = 400;
const numbersMax = 16;
const outcomes = ["passed", "warned", "failed", "skipped"] as const;

/** What a node found out about itself. Repeated or of another test: ignored. */
export function testResult(draft: Draft, event: Extract<AgentEvent, { kind: "agent-test" }>): void {
  const node = nodeNamed(draft.world, event.node);
  const liveness = node && draft.world.liveness.get(node.uuid);
  if (!node || liveness?.session !== event.session) {
    ignore(draft, event.node, "test result of a session that does not speak for the node");
    return;
  }
  const health = healthOf(draft, node.uuid);
  const test = activeTest(health);
  if (!test || test.id !== event.result.testId) {
    ignore(draft, node.name, `result of test ${cut(event.result.testId, 80)}, which nobody waits for`);
    return;
  }
  const checks = narrowChecks(event.result);
  const bad = checks.filter(({ outcome }) => outcome === "failed");
  const ended: NodeTest = {
    ...test,
    ...{ state: bad.length > 0 ? "failed" : "passed", endedAt: draft.now, checks, summary: summaryOf(checks) },
  };
  const failed = new Set(bad.map(({ uuid }) => uuid));
  // What its agent still holds against a GPU keeps it out, but for the test that this one takes the place of.
  const held = (uuid: string) =>
    faultsOf(liveness).some((fault) => fault.uuid === uuid && fault.rule !== "test" && isOutOfService(fault));
  const back = (uuid: string) => test.uuids.includes(uuid) && !failed.has(uuid) && !failed.has("") && !held(uuid);
  const out = health.out.filter(({ uuid }) => !back(uuid));
  draft.put("node-health", { ...withTest(health, ended), out });
  // Of a GPU its agent tells by itself, as a fault of that GPU.
  const ofNode = bad.find(({ uuid }) => uuid === "");
  if (ofNode) rememberFailure(draft, node.uuid, "test", `${node.name} failed its test: ${ofNode.message}`);
  changed(draft, node);
}

function narrowChecks(result: TestResult): TestCheck[] {
  return result.checks.slice(0, checksMax).map((told: Told) => ({
    name: cut(told.name, 40),
    uuid: cut(told.gpuUuid, 100),
    peer: cut(told.peer, 255),
    ...(told.from === "" ? {} : { from: cut(told.from, 255) }),
    // One that this version doesn't know is no proof of anything.
    outcome: outcomes.find((each) => each === told.outcome) ?? "skipped",
    message: cut(told.message, 500),
    numbers: Object.fromEntries(
      Object.entries(told.numbers)
        .filter(([, value]) => Number.isFinite(value))
        .slice(0, numbersMax)
        .map(([name, value]) => [cut(name, 60), value]),
    ),
  }));
}

function summaryOf(checks: readonly TestCheck[]): string {
  const of = (outcome: TestCheck["outcome"]) => checks.filter((check) => check.outcome === outcome);
  const [failed, warned, passed, skipped] = [of("failed"), of("warned"), of("passed"), of("skipped")];
  const [first, odd] = [failed[0], warned[0]];
  if (first) return `${failed.length} of ${checks.length} checks failed: ${first.message}`;
  if (odd) return `${warned.length} of ${checks.length} checks found something odd: ${odd.message}`;
  if (passed.length === 0) return `nothing could be checked: ${skipped[0]?.message ?? "the node has nothing to check"}`;
  return `${passed.length} checks passed${skipped.length === 0 ? "" : `, ${skipped.length} could not be made`}`;
}
