import { fromPublic } from "@nats-io/nkeys";
import { expect, test } from "vitest";
import { natsAuthenticator, newNatsUser } from "./nats-user.js";

test("what is signed for NATS is signed by the key that it knows", async () => {
  for (let times = 0; times < 20; times += 1) {
    const user = await newNatsUser();
    const { nkey, sig } = natsAuthenticator(user)(`nonce ${times}`);
    expect(nkey).toBe(user.publicKey);
    expect(fromPublic(nkey).verify(Buffer.from(`nonce ${times}`), Buffer.from(sig, "base64"))).toBe(true);
  }
});
