import { readFileSync } from "node:fs";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CreateCertificateResponse } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Call } from "../../call.js";
import { lifeMs } from "../../life.js";
import { nameOption } from "../../options.js";
import type { OptionSpec, Verb } from "../../verb.js";
import { ofUser, ofUserOption } from "../token/of-user.js";

export const expiresOption: OptionSpec = {
  flags: "--expires <time>",
  description: "how long it can be renewed, such as 12h or 90d (default: until it is revoked)",
};

/** Signed by the coordinator's authority, for the user who is asked for. */
export async function signed(call: Call, name: string, certificateRequest: string): Promise<CreateCertificateResponse> {
  const expires = call.text("expires");
  const expiry =
    expires === undefined ? {} : { expiryTime: timestampFromMs(Date.now() + lifeMs(expires, "--expires")) };
  const session = await call.session();
  return session.users.createCertificate({ user: ofUser(call), name, certificateRequest, ...expiry }, session.limits);
}

export const sign: Verb = {
  name: "sign",
  description: "Make the certificate that was asked for with `stoker certificate request`, and print it",
  details:
    "It is yours, or, where an administrator says so, another user's: what has the key may do all that its user may",
  example: "stoker certificate sign nightly --request-file nightly.csr > nightly.pem",
  argument: "[name]",
  options: [
    nameOption("certificate"),
    {
      flags: "--request-file <file>",
      description: "what `stoker certificate request` made (default: NAME.csr; - reads stdin)",
    },
    expiresOption,
    ofUserOption,
  ],
  async run(call) {
    const name = call.name("certificate");
    const path = call.text("requestFile") ?? `${name}.csr`;
    const asked = path === "-" ? await call.world.readStdin() : readFileSync(path, "utf8");
    const { token, certificate } = await signed(call, name, asked);
    const session = await call.session();
    if (session.isJson) {
      const { present } = await import("../../session.js");
      await session.json({ ...session.describe("apiToken", present(token, "certificate")), certificate });
    } else await call.world.out(certificate);
    return undefined;
  },
};
