import { createUser } from "@nats-io/nkeys";

/** A new key of this node at the coordinator's NATS. */
export function newNatsUser(): { publicKey: string; seed: string } {
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: Buffer.from(user.getSeed()).toString() };
}
