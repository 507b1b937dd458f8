import { usage } from "../../failure.js";
import type { Verb } from "../../verb.js";

export const renew: Verb = {
  name: "renew",
  description: "Renew the certificate that is shown, in its file, for the same key",
  details:
    "Each command does so by itself when a third of its time is left: this is for programs that don't run stoker, from a timer",
  example: "stoker certificate renew --certificate-file nightly.pem --key-file nightly.key",
  options: [],
  async run(call) {
    const session = await call.session();
    if (!session.own) throw usage("which certificate? give --certificate-file, STOKER_CERTIFICATE_FILE or a profile");
    const { renew: renewed } = await import("../../certificate/renew.js");
    await session.summary("apiToken", await renewed(session, session.own));
    return undefined;
  },
};
