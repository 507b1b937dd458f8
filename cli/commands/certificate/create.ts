import { rmSync } from "node:fs";
import { newFile, replaceFile } from "../../certificate/private-file.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { ofUserOption } from "../token/of-user.js";
import { filesOf, folderOption } from "./files.js";
import { expiresOption, signed } from "./sign.js";

export const create: Verb = {
  name: "create",
  description: "Make a key and a certificate for a program on this machine, in one file: NAME.pem",
  example: "stoker certificate create nightly && stoker whoami --certificate-file nightly.pem",
  argument: "[name]",
  options: [nameOption("certificate"), expiresOption, ofUserOption, folderOption],
  async run(call) {
    const { name, path } = filesOf(call);
    const { newKey, userRequest } = await import("../../../shared/certificate-request.js");
    const { bundle } = await import("../../certificate/own.js");
    const key = newKey();
    // Before anything is asked for: what can't be kept is not made.
    newFile(path("pem"), key);
    const made = await signed(call, name, await userRequest(key)).catch((error: unknown) => {
      rmSync(path("pem"), { force: true });
      throw error;
    });
    replaceFile(path("pem"), bundle(key, made.certificate));
    await (await call.session()).summary("apiToken", made.token);
    return undefined;
  },
};
