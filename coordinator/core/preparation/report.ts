import type { PreparationReport } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { ignore } from "../agents/heartbeat.js";
import { cut } from "../cut.js";
import type { Draft } from "../draft.js";
import type { AgentEvent } from "../events.js";
import type { Preparation } from "../liveness.js";
import { nodeNamed } from "../names.js";
import type { Instant } from "../state.js";

type PreparationEvent = Extract<AgentEvent, { kind: "agent-preparation" }>;

/** How far a node says that it is. Remembered in memory alone: it says so again at each connection. */
export function preparationReport(draft: Draft, { session, node: name, report }: PreparationEvent): void {
  const node = nodeNamed(draft.world, name);
  const liveness = node && draft.world.liveness.get(node.uuid);
  if (!node || liveness?.session !== session) {
    ignore(draft, name, "preparation of a session that does not speak for the node");
    return;
  }
  const preparation = narrowPreparation(report, draft.now);
  if (typeof preparation === "string") {
    ignore(draft, name, `preparation: ${preparation}`);
    return;
  }
  draft.note({ kind: "liveness", node: node.uuid, liveness: { ...liveness, preparation }, roomChanged: true });
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
}

/** Values of PreparationState; the enum itself is a value, which the core can't import. */
const [preparing, ready, failed] = [1, 2, 3];
const warningsMax = 8;
const detailsMax = 20;

function narrowPreparation(report: PreparationReport, now: Instant): Preparation | string {
  const { preparationId: id, error } = report;
  if (!/^[-.\w]{0,200}$/.test(id)) return `"${cut(id, 80)}" names no preparation`;
  const warnings = report.warnings.slice(0, warningsMax).map((text) => cut(text, 500));
  if (report.state === ready) return { id, state: { kind: "ready", warnings } };
  if (report.state === preparing) {
    const age = Number(report.ageMs);
    const since = Number.isSafeInteger(age) && age > 0 ? Math.max(0, now - age) : now;
    return { id, state: { kind: "preparing", doing: cut(report.doing, 200) || "preparing", since, warnings } };
  }
  if (report.state !== failed) return "it says nothing";
  if (!error || !/^\w{1,100}$/.test(error.code)) return "the failure has no code";
  const details = error.details
    .slice(0, detailsMax)
    .map((detail) => ({ name: cut(detail.name, 100), value: cut(detail.value, 4000) }));
  return {
    id,
    state: { kind: "failed", fault: { code: error.code, message: cut(error.message, 4000), details }, warnings },
  };
}
