import { expect, test } from "vitest";
import { redacted, secretsIn } from "./redact.js";

test.each([
  ["mount -t cifs -o username=ann,password=geheim,vers=3.0 //nas/x", "geheim"],
  ["mount -t cifs -o pass='ge,heim' //nas/x", "ge,heim"],
  ["sshfs https://ann:geheim@nas/x", "geheim"],
  ["smbmount --user ann%geheim //nas/x", "geheim"],
  ["mount.s3 --secret-key geheim2 --token: geheim", "geheim"],
  ['curlftpfs "AccountKey=geheim=="', "geheim=="],
])("the password in %j is found", (command, secret) => {
  expect(secretsIn(command)).toContain(secret);
});

test("neither a known secret nor one that is named as such is told, and the rest is", () => {
  const words = "bash: line 1: mount -o user=ann,password=geheim: no route to nas; tried geheim, key=other";
  expect(redacted(words, ["geheim"])).toBe(
    "bash: line 1: mount -o user=ann,password=*** no route to nas; tried ***, key=***",
  );
});

test("of two secrets the longer is masked whole", () => {
  expect(redacted("abcdef abc", ["abc", "abcdef"])).toBe("*** ***");
});

test("a secret of a letter or two does not mask every word", () => {
  expect(redacted("mount: no such file", ["o"])).toBe("mount: no such file");
});
