import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/fakes/temporary-folder.js";
import { authenticate, bearer, readOrMakeToken, readToken } from "./credentials.js";

const folder = () => temporaryFolder("stoker-credentials-");

test("a token is made once, for its owner alone, and kept", () => {
  const path = join(folder(), "data", "token");
  const token = readOrMakeToken(path);
  expect(token.length).toBeGreaterThanOrEqual(40);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readOrMakeToken(path)).toBe(token);
});

test("an empty token file is a mistake, a missing one is none", () => {
  const path = join(folder(), "token");
  expect(readToken(path)).toBeUndefined();
  writeFileSync(path, "\n");
  expect(() => readToken(path)).toThrow(/is empty/);
});

test("only the very token is let in", () => {
  expect(() => authenticate(bearer("right"), "right")).not.toThrow();
  expect(() => authenticate(bearer("wrong"), "right")).toThrow(/not this coordinator's/);
  expect(() => authenticate(bearer("rightx"), "right")).toThrow(/not this coordinator's/);
  expect(() => authenticate(new Metadata(), "right")).toThrow(/no token was given/);
});
