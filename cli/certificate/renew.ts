import { readFileSync } from "node:fs";
import { userRequest } from "../../shared/certificate-request.js";
import type { ApiToken } from "../../shared/gen/stoker/v1/user_pb.js";
import { present, type Session } from "../session.js";
import { type OwnCertificate, withCertificate } from "./own.js";
import { replaceFile } from "./private-file.js";

/** For a coordinator that swallows packets: the command that was asked for waits behind this. */
const withinMs = 10_000;

/** Another certificate for the same key, in the place of this one. */
export async function renew(session: Session, { key, certificateFile }: OwnCertificate): Promise<ApiToken> {
  const certificateRequest = await userRequest(key);
  const { certificate, token } = await session.users.renewCertificate({ certificateRequest }, { timeoutMs: withinMs });
  replaceFile(certificateFile, withCertificate(readFileSync(certificateFile, "utf8"), certificate));
  return present(token, "certificate");
}
