import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { lifeMs } from "../../life.js";
import { nameOption } from "../../options.js";
import { shortTime } from "../../output/time.js";
import type { Verb } from "../../verb.js";
import { ofUser, ofUserOption } from "./of-user.js";

/** One that somebody has forgotten is of use to a thief alone. */
const usually = "365d";
const endless = "never";

export const create: Verb = {
  name: "create",
  description: "Make a token for a program, and print it: it is not shown again",
  example: "stoker token create nightly --expires 90d > nightly.token",
  argument: "[name]",
  options: [
    nameOption("token"),
    {
      flags: "--expires <time>",
      description: `how long it is good, such as 12h or 90d, or ${endless}: until it is revoked (default: ${usually})`,
    },
    ofUserOption,
  ],
  async run(call) {
    const name = call.name("token");
    const expires = call.text("expires") ?? usually;
    const expiry =
      expires === endless ? {} : { expiryTime: timestampFromMs(Date.now() + lifeMs(expires, "--expires")) };
    const session = await call.session();
    const { token, secret } = await session.users.createToken({ user: ofUser(call), name, ...expiry }, session.limits);
    if (session.isJson) {
      const { present } = await import("../../session.js");
      await session.json({ ...session.describe("apiToken", present(token, "token")), token: secret });
      return undefined;
    }
    const until = token?.expiryTime ? `good until ${shortTime(token.expiryTime)}` : "good until it is revoked";
    await call.notice(`token ${token?.name ?? name}, ${until}: keep it where nobody else reads; it is not shown again`);
    await call.world.out(`${secret}\n`);
    return undefined;
  },
};
