import { newFile } from "../../certificate/private-file.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { filesOf, folderOption } from "./files.js";

export const request: Verb = {
  name: "request",
  description: "Make a key, and the request for a certificate of it, without asking any coordinator",
  details:
    "For programs on machines where nobody signs in: NAME.key stays there, and NAME.csr is no secret. Its user, or an administrator, makes the certificate with `stoker certificate sign`",
  example: "stoker certificate request nightly",
  argument: "[name]",
  local: true,
  options: [
    nameOption("certificate"),
    {
      flags: "-u, --user <name>",
      description: "whose it is to be: it is signed for nobody else (default: whose is left open)",
    },
    folderOption,
  ],
  async run(call) {
    const { name, path } = filesOf(call);
    const { newKey, userRequest } = await import("../../../shared/certificate-request.js");
    const user = call.text("user");
    const key = newKey();
    const asked = await userRequest(key, user);
    newFile(path("key"), key);
    newFile(path("csr"), asked);
    const whose = user === undefined ? "" : ` -u ${user}`;
    await call.notice(
      `${path("key")} stays here; where somebody is signed in: stoker certificate sign ${name}${whose} --request-file ${path("csr")} > ${path("pem")}`,
    );
    return undefined;
  },
};
