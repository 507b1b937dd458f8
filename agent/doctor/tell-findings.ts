import { hostname } from "node:os";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Verdict } from "../../shared/doctor/finding.js";
import { thisMachine } from "../../shared/doctor/machine.js";
import { type DoctorPlan, DoctorVerdict } from "../../shared/gen/stoker/v1/doctor_pb.js";
import type { RelayChannel } from "../relay-ports.js";
import { examineNode } from "./index.js";
import { type AgentPlace, placeOf } from "./place.js";

const verdicts: Record<Verdict, DoctorVerdict> = {
  ok: DoctorVerdict.OK,
  warn: DoctorVerdict.WARN,
  fail: DoctorVerdict.FAIL,
};

/** For whoever asked the coordinator how this node is. */
export async function tellFindings(plan: DoctorPlan, channel: RelayChannel, place: AgentPlace): Promise<void> {
  const clockAheadMs = plan.coordinatorTime ? Date.now() - timestampMs(plan.coordinatorTime) : undefined;
  const told = await examineNode({
    ...placeOf(place),
    machine: thisMachine,
    hostName: hostname(),
    clockAheadMs,
    peers: plan.peers.map(({ nodeName: name, address }) => ({ name, address })),
    wanted: plan.peers.map(({ nodeName }) => nodeName),
  });
  const findings = told.map(({ check, verdict, sentence, remedy = "" }) => ({
    ...{ check, verdict: verdicts[verdict], sentence, remedy },
  }));
  await channel.send({ case: "doctorReport", value: { findings } });
}
