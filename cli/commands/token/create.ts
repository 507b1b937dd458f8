import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { lifeMs } from "../../life.js";
import { nameOption } from "../../options.js";
import type { Verb } from "../../verb.js";
import { ofUser, ofUserOption } from "./of-user.js";

export const create: Verb = {
  name: "create",
  description: "Make a token for a program, and print it: it is not shown again",
  example: "stoker token create nightly --expires 90d > nightly.token",
  argument: "[name]",
  options: [
    nameOption("token"),
    {
      flags: "--expires <time>",
      description: "how long it is good, such as 12h or 90d (default: until it is revoked)",
    },
    ofUserOption,
  ],
  async run(call) {
    const name = call.name("token");
    const expires = call.text("expires");
    const expiry =
      expires === undefined ? {} : { expiryTime: timestampFromMs(Date.now() + lifeMs(expires, "--expires")) };
    const session = await call.session();
    const { token, secret } = await session.users.createToken({ user: ofUser(call), name, ...expiry }, session.limits);
    if (session.isJson) {
      const { present } = await import("../../session.js");
      await session.json({ ...session.describe("apiToken", present(token, "token")), token: secret });
      return undefined;
    }
    await call.notice(`token ${token?.name ?? name}: keep it where nobody else reads; it is not shown again`);
    await call.world.out(`${secret}\n`);
    return undefined;
  },
};
