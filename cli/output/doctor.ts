import type { Told, Verdict } from "../../shared/doctor/finding.js";
import { exitCodeOf, textReport } from "../../shared/doctor/report.js";
import { DoctorVerdict, type NodeFindings } from "../../shared/gen/stoker/v1/doctor_pb.js";
import { leafOf } from "../ids.js";
import { tsv } from "./table.js";

export interface NodeReport {
  node: string;
  findings: Told[];
}

const verdicts: Partial<Record<DoctorVerdict, Verdict>> = {
  [DoctorVerdict.OK]: "ok",
  [DoctorVerdict.WARN]: "warn",
  [DoctorVerdict.FAIL]: "fail",
};

export const reportOf = ({ nodeId, findings }: NodeFindings): NodeReport => ({
  node: leafOf(nodeId),
  findings: findings.map(({ check, verdict, sentence, remedy }) => ({
    // A verdict of a newer agent that is not known here is worth a look.
    ...{ check, verdict: verdicts[verdict] ?? "warn", sentence },
    ...(remedy === "" ? {} : { remedy }),
  })),
});

export const mustMend = (reports: readonly NodeReport[]): boolean =>
  reports.some(({ findings }) => exitCodeOf(findings) !== 0);

export const doctorText = (reports: readonly NodeReport[]): string =>
  reports.map(({ node, findings }) => `${node}:\n${textReport(findings)}`).join("\n");

export const doctorRows = (reports: readonly NodeReport[]): string =>
  tsv(
    reports.flatMap(({ node, findings }) =>
      findings.map(({ check, verdict, sentence, remedy = "" }) => [node, verdict, check, sentence, remedy]),
    ),
  );
