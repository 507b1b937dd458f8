import { createAccount, createUser } from "@nats-io/nkeys";
import { expect, it } from "vitest";
import { accessText, isNodeKey } from "./access.js";

const newKey = () => createUser().getPublicKey();

it("a key is a user's, and whole", () => {
  expect(isNodeKey(newKey())).toBe(true);
  for (const wrong of [
    "",
    `U${"A".repeat(55)}`,
    createAccount().getPublicKey(),
    `${newKey()} }`,
    newKey().slice(0, -1),
  ]) {
    expect(isNodeKey(wrong), wrong).toBe(false);
  }
});

it("of nodes that joined with one key, or none, or ours, no more come into the configuration than it takes", () => {
  const own = createUser();
  const [key, other] = [newKey(), newKey()];
  const access = {
    ...{ kind: "keys" as const, seed: Buffer.from(own.getSeed()).toString() },
    ...{ certificateFile: "c", keyFile: "k", authority: "a" },
  };
  const nodes = [
    { name: "a", natsKey: key },
    { name: "b", natsKey: key },
    { name: "c", natsKey: own.getPublicKey() },
    { name: "d", natsKey: `U${"A".repeat(55)}` },
    { name: "e", natsKey: other },
  ];
  const text = accessText(access, nodes).join("\n");
  expect([...text.matchAll(/nkey: (\w+)/g)].map(([, each]) => each)).toEqual([own.getPublicKey(), key, other]);
});
