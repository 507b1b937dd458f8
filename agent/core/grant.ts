import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../shared/ids.js";

const segment = /^[\w.-]{1,128}(?:\/[\w.-]{1,128}){0,15}$/;
const fileName = /^[\w.@+-]{1,200}$/;
const variableName = /^[^\0=]{1,1024}$/;
const maximumTtlMs = 3_600_000n;
const maximumGraceSeconds = 86_400;

/** Why a grant can't be carried out as it stands, or undefined. Everything that becomes part of a path on this node is looked at. */
export function refuseGrant(grant: LeaseGrant): string | undefined {
  const id = parseLeaseId(grant.leaseId);
  if (!id) return `"${grant.leaseId.slice(0, 80)}" is not a lease id`;
  if (id.job !== grant.jobUuid || id.attempt !== grant.attempt) return "the lease id is not of that job and attempt";
  if (grant.ttlMs <= 0n || grant.ttlMs > maximumTtlMs) return `a lease can't last ${grant.ttlMs} ms`;
  if (!segment.test(grant.jobPathSegment) || hasDots(grant.jobPathSegment)) {
    return `"${grant.jobPathSegment.slice(0, 300)}" is not a path segment`;
  }
  const ranks = grant.ranks.map(({ rank }) => rank);
  if (ranks.some((rank) => rank < 0) || new Set(ranks).size < ranks.length) return "its ranks are not distinct numbers";
  const names = [grant.executionLogName, grant.preparationStdoutName, grant.preparationStderrName].concat(
    grant.ranks.flatMap(({ stdoutName, stderrName }) => [stdoutName, stderrName]),
  );
  const bad = names.find((name) => name !== "" && (!fileName.test(name) || name === "." || name === ".."));
  if (bad !== undefined) return `"${bad.slice(0, 80)}" is not a file's name`;
  const variables = [...grant.environment, ...grant.secrets, ...grant.ranks.flatMap(({ environment }) => environment)];
  if (variables.some(({ name }) => !variableName.test(name))) return "an environment variable has no name";
  const texts = [
    grant.preparationCommandLine,
    grant.stdDirectory,
    grant.hostFile,
    ...grant.directories,
    ...grant.gpuUuids,
  ];
  for (const { commandLine } of grant.ranks) texts.push(commandLine);
  if (texts.some((text) => text.includes("\0"))) return "a command or path holds a zero byte";
  if (grant.killGraceSeconds > maximumGraceSeconds) return `${grant.killGraceSeconds} s of grace are too long`;
  if (variables.some(({ value }) => value.includes("\0"))) return "an environment variable holds a zero byte";
  return undefined;
}

const hasDots = (path: string) => path.split("/").some((part) => part === "." || part === "..");
