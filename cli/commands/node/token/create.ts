import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { usage } from "../../../failure.js";
import { present } from "../../../session.js";
import type { Verb } from "../../../verb.js";

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function lifeMs(text: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? [];
  const life = Number(amount) * (units[unit] ?? Number.NaN);
  if (!(life > 0)) throw usage(`--expires: expected a time such as 30m, 1h or 2d, found "${text}"`);
  return life;
}

export const create: Verb = {
  name: "create",
  description: "Make a token with which machines join, and print the line to run on each",
  example: "stoker node token create --uses 12 --expires 2h",
  options: [
    { flags: "--uses <count>", description: "how many machines may join with it (default: 1)" },
    { flags: "--expires <time>", description: "how long it is good, such as 30m or 2d, 31d at most (default: 1h)" },
    { flags: "--replace", description: "machines may take the names of nodes that have joined already" },
  ],
  async run(call) {
    const uses = call.whole("uses", 1) ?? 1;
    const expires = call.text("expires");
    const expireTime = expires === undefined ? {} : { expireTime: timestampFromMs(Date.now() + lifeMs(expires)) };
    const session = await call.session();
    const replaces = call.flag("replace");
    const made = await session.joining.createJoinToken({ uses, replaces, ...expireTime }, session.limits);
    const line = `stoker-agent join ${made.address} ${made.token}`;
    if (session.isJson) {
      const shown = session.describe("joinToken", present(made.joinToken, "token"));
      await session.json({ ...shown, token: made.token, address: made.address, command: line });
      return undefined;
    }
    const count = uses === 1 ? "one machine" : `${uses} machines`;
    await call.notice(`for ${count}, and good ${expires === undefined ? "an hour" : expires}; it is not shown again`);
    await call.world.out(`${line}\n`);
    return undefined;
  },
};
