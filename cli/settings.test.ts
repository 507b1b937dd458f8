import { expect, test } from "vitest";
import { addressOf, effective } from "./settings.js";

test("a flag wins over the environment, that over the profile", () => {
  const profile = { workspace: "p", experiment: "p", cluster: "p" };
  expect(
    effective({ workspace: "f" }, { STOKER_WORKSPACE: "e", STOKER_EXPERIMENT: "e", STOKER_CLUSTER: "" }, profile),
  ).toEqual({
    workspace: "f",
    experiment: "e",
    cluster: "p",
  });
});

test("the nearest layer that has a token, or a file with one, decides", () => {
  const profile = { token: "p" };
  expect(effective({ tokenFile: "f" }, { STOKER_TOKEN: "e" }, profile)).toEqual({ tokenFile: "f" });
  expect(effective({}, { STOKER_TOKEN_FILE: "e" }, profile)).toEqual({ tokenFile: "e" });
  expect(effective({}, { STOKER_TOKEN_FILE: "e", STOKER_TOKEN: "t" }, profile)).toEqual({ token: "t" });
  expect(effective({}, {}, profile)).toEqual({ token: "p" });
});

test("a certificate is shown in place of a token that is said farther away, and the other way round", () => {
  expect(effective({}, { STOKER_CERTIFICATE_FILE: "c" }, { token: "p" })).toEqual({ certificateFile: "c" });
  const profile = { certificateFile: "c", keyFile: "k" };
  expect(effective({}, {}, profile)).toEqual(profile);
  expect(effective({ tokenFile: "f" }, {}, profile)).toEqual({ tokenFile: "f" });
});

test.each([
  ["head.lab", "head.lab:7741"],
  ["10.0.0.1:99", "10.0.0.1:99"],
  ["[::1]", "[::1]:7741"],
])("%s is the address %s", (text, address) => {
  expect(addressOf(text)).toBe(address);
});

test.each(["", "http://x", "a:b", "a:0", "a:70000", "::1", "a b"])("%j is no address", (text) => {
  expect(() => addressOf(text)).toThrow(/is not the address of a coordinator/);
});
