import { expect, test } from "vitest";
import { Passwords } from "./passwords.js";

test("a password is known again by what is kept of it, which is never the same twice", async () => {
  const passwords = new Passwords();
  const [one, other] = await Promise.all([passwords.hash("correct horse"), passwords.hash("correct horse")]);
  expect(one).toMatch(/^scrypt\$32768\$8\$1\$/);
  expect(one).not.toBe(other);
  expect(await passwords.matches("correct horse", one)).toBe(true);
  expect(await passwords.matches("correct hors", one)).toBe(false);
});

test("nobody is never right, and letters count as what they look like", async () => {
  const passwords = new Passwords();
  expect(await passwords.matches("", undefined)).toBe(false);
  const hash = await passwords.hash("pass\u00e9word");
  expect(await passwords.matches("passe\u0301word", hash)).toBe(true);
});

test("a short one is refused, and so are more at one time than wait in turn", async () => {
  const passwords = new Passwords(2);
  await expect(passwords.hash("short")).rejects.toThrow("it must have 8 to 1024");
  const hash = await passwords.hash("correct horse");
  const all = await Promise.allSettled(Array.from({ length: 6 }, () => passwords.matches("x", hash)));
  const refused = all.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(0);
  expect(await passwords.matches("correct horse", hash)).toBe(true);
});
