import { expect, test } from "vitest";
import { readToken, tokenOf } from "./token.js";

const key = Buffer.from("a key of this coordinator");
const link = { directory: ["job", "6f30", "MODEL"], path: "sub/né\nw", node: "n1", expiresAt: 1_795_276_868_991 };

test("a token says what it leads to, and fits into a URL", () => {
  const token = tokenOf(link, key);
  expect(token).toMatch(/^[\w.-]+$/);
  expect(readToken(token, key)).toEqual(link);
});

test("what was changed in any place, or made with another key, is nothing", () => {
  const token = tokenOf(link, key);
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === "A" ? "B" : "A";
    expect(readToken(`${token.slice(0, at)}${other}${token.slice(at + 1)}`, key)).toBeUndefined();
  }
  expect(readToken(tokenOf(link, Buffer.from("another")), key)).toBeUndefined();
});

test.each(["", ".", "..", "a", "a.b", "a.b.c", `${tokenOf(link, key)}.x`, "../../etc/passwd"])(
  "%j is no token",
  (text) => {
    expect(readToken(text, key)).toBeUndefined();
  },
);
