import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/fakes/temporary-folder.js";
import { localProfile } from "./local-profile.js";

test("what a coordinator on this machine says of itself is taken, and none is no mistake", async () => {
  const folder = join(temporaryFolder("stoker-local-profile-"), "administrator");
  expect(await localProfile(folder)).toEqual({});
  mkdirSync(folder);
  const profile = "coordinator: 127.0.0.1:7741\n    tokenFile: /d/token\n    authorityFile: /d/pki/ca.pem\n";
  writeFileSync(join(folder, "config.yaml"), `current: administrator\nprofiles:\n  administrator:\n    ${profile}`);
  expect(await localProfile(folder)).toEqual({
    coordinator: "127.0.0.1:7741",
    tokenFile: "/d/token",
    authorityFile: "/d/pki/ca.pem",
  });
});
