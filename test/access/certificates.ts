import { randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Authority } from "../../coordinator/pki/authority.js";
import { newKey, userRequest } from "../../shared/certificate-request.js";
import { urisIn, userOfUri } from "../../shared/certificates.js";
import { trusting } from "../../shared/credentials.js";
import { SignInService } from "../../shared/gen/stoker/v1/sign_in_service_pb.js";
import { UserService } from "../../shared/gen/stoker/v1/user_service_pb.js";
import { connect } from "../../shared/grpc.js";
import type { CoordinatorProcess } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

export interface UserCertificate {
  /** Among the user's tokens and certificates. */
  name: string;
  certificate: string;
  key: string;
}

/** As whoever has stolen the coordinator's data folder would have it. */
export function authorityOf({ dataDir }: CoordinatorProcess): Authority {
  const read = (name: string) => readFileSync(join(dataDir, "pki", name), "utf8");
  return Authority.from(read("ca.pem"), read("ca.key"));
}

export async function certificateOf(
  coordinator: CoordinatorProcess,
  user: string,
  { name = `c-${randomUUID()}`, lifeMs }: { name?: string; lifeMs?: number } = {},
): Promise<UserCertificate> {
  const key = newKey();
  const { certificate } = await coordinator.client(UserService).createCertificate({
    ...{ user, name, certificateRequest: await userRequest(key) },
    ...(lifeMs === undefined ? {} : { expiryTime: timestampFromMs(Date.now() + lifeMs) }),
  });
  return { name, certificate, key };
}

/** One that was good, and is no more. */
export async function expiredCertificate(coordinator: CoordinatorProcess, user: string): Promise<UserCertificate> {
  const made = await certificateOf(coordinator, user, { lifeMs: 3_000 });
  const connection = connect(coordinator.address, shownTo(coordinator, made), { apart: true });
  let isOver = false;
  const look = setInterval(() => {
    connection
      .client(SignInService)
      .getCaller({})
      .catch(() => {
        isOver = true;
      });
  }, 50);
  await until("the certificate has expired", () => isOver, 20_000);
  clearInterval(look);
  connection.close();
  return made;
}

/** The same words, signed by this authority for a key that nobody has asked a certificate for. */
export async function forged({ name, certificate }: UserCertificate, by: Authority): Promise<UserCertificate> {
  const [uri = ""] = urisIn(new X509Certificate(certificate).subjectAltName);
  const { name: user = "", credential = "" } = userOfUri(uri) ?? {};
  const key = newKey();
  const now = Date.now();
  const asked = { user, credential, request: await userRequest(key) };
  return { name, key, ...(await by.forUser(asked, { now, endsAt: now + 3_600_000 })) };
}

export const shownTo = (coordinator: CoordinatorProcess, { certificate, key }: UserCertificate) =>
  trusting({ authority: authorityOf(coordinator).certificate, certificate, key });
