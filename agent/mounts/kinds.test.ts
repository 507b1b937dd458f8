import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { CifsMountSchema, NfsMountSchema, RcloneMountSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { cifs } from "./cifs.js";
import { nfs } from "./nfs.js";
import { rclone } from "./rclone.js";

const given = { secretFile: "/run/s", cache: "/var/cache/x" };
const share = create(CifsMountSchema, {
  host: "acct.file.core.windows.net",
  share: "data/mnist",
  userName: "acct",
  credentials: { accountKey: "geheim==" },
  fileMode: "0640",
});
const container = create(RcloneMountSchema, {
  account: "acct",
  container: "models",
  credentials: { accountKey: "geheim==" },
  options: "-o attr_timeout=240 -o ro,allow_other --use-https=true",
});

test("an SMB share is mounted with its modes, and its key is in no word", () => {
  expect(cifs.command(share, "/m", given)).toEqual([
    ...["mount", "-t", "cifs", "-o"],
    "vers=3.0,credentials=/run/s,file_mode=0640,dir_mode=0777,serverino,nosuid,nodev",
    ...["//acct.file.core.windows.net/data/mnist", "/m"],
  ]);
  expect(cifs.secretFile?.(share)).toBe("username=acct\npassword=geheim==\n");
  expect(JSON.stringify(cifs.details(share))).not.toContain("geheim");
});

test("a container is mounted by rclone, whose environment alone has the key", () => {
  const words = rclone.command(container, "/m", given);
  expect(words.slice(0, 4)).toEqual(["rclone", "mount", ":azureblob:models", "/m"]);
  expect(words.join(" ")).toContain("--cache-dir /var/cache/x");
  expect(words.slice(-3)).toEqual(["--attr-timeout", "240s", "--read-only"]);
  expect(words.join(" ")).not.toContain("geheim");
  expect(rclone.environment?.(container)).toEqual({
    RCLONE_AZUREBLOB_ACCOUNT: "acct",
    RCLONE_AZUREBLOB_KEY: "geheim==",
  });
});

test("what a server shows as a device or with a bit to become root is none, whatever the options say", () => {
  const given = { secretFile: "", cache: "" };
  for (const [options, words] of [
    ["", "nosuid,nodev"],
    ["vers=4.2,suid,dev", "vers=4.2,suid,dev,nosuid,nodev"],
  ] as const) {
    const value = create(NfsMountSchema, { host: "fs", export: "/data", options });
    expect(nfs.command(value, "/m", given)).toEqual(["mount", "-t", "nfs", "-o", words, "fs:/data", "/m"]);
  }
});

test("what is mounted is known by its source", () => {
  const at = (source: string, type: string) => ({ path: "/m", source, type });
  expect(cifs.matches(share, at("//ACCT.file.core.windows.net/data/mnist/", "cifs"))).toBe(true);
  expect(cifs.matches(share, at("//acct.file.core.windows.net/data", "cifs"))).toBe(false);
  expect(rclone.matches(container, at("azureblob:acct/models", "fuse.rclone"))).toBe(true);
  expect(rclone.matches(container, at("azureblob:acct/other", "fuse.rclone"))).toBe(false);
  const export6 = create(NfsMountSchema, { host: "fd00::1", export: "/data" });
  expect(nfs.matches(export6, at("[fd00::1]:/data/", "nfs4"))).toBe(true);
});
