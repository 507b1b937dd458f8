import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test as plain } from "vitest";
import { canMount, places, plan } from "../../test/fakes/mount-places.js";
import { memoryFolders } from "../memory-folders.js";
import { mountAt, mountsUnder } from "./mountinfo.js";

const has = (program: string) => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const test = plain.skipIf(!canMount);
const withRclone = plain.skipIf(!canMount || !has("rclone") || !existsSync("/dev/fuse"));

const credentials = { accountKey: "geheim==" };
const share = (path: string, name: string) =>
  plan(path, {
    case: "cifs",
    value: { host: "acct.file.core.windows.net", share: name, userName: "acct", credentials, fileMode: "0640" },
  });
const container = (path: string, name: string, options = "") =>
  plan(path, { case: "rclone", value: { account: "acct", container: name, credentials, options } });

/** As mount.cifs: reads its credentials, leaves a copy, mounts. */
const fakeCifs = `
[ "$2" = cifs ] || exec /bin/mount "$@"
d=$(dirname "$0"); file=\${4#*credentials=}; file=\${file%%,*}
echo "$(stat -c '%a %U' "$file") $(stat -f -c %T "$file")" >> "$d/mode"; cp "$file" "$d/credentials"
echo "$@" >> "$d/words"; exec /bin/mount -t tmpfs "$5" "$6"`;

test("the key of a share comes by a file of root's own in memory, that is gone when it is mounted", async () => {
  const { root, dir, mounts, never } = places({ mount: fakeCifs });
  await mounts.mount(root, [share("one", "data/mnist"), share("two", "logs")], {}, never);
  expect(mountAt(join(root, "one"))?.source).toBe("//acct.file.core.windows.net/data/mnist");
  expect(mountAt(join(root, "two"))?.source).toBe("//acct.file.core.windows.net/logs");
  expect(readFileSync(join(dir, "bin/credentials"), "utf8")).toBe("username=acct\npassword=geheim==\n");
  expect(readFileSync(join(dir, "bin/mode"), "utf8")).toBe("600 root tmpfs\n".repeat(2));
  const words = readFileSync(join(dir, "bin/words"), "utf8");
  expect(words).toMatch(/vers=3.0,credentials=\/\S+,file_mode=0640,dir_mode=0777,serverino/);
  expect(words).not.toContain("geheim");
  const [, file = ""] = /credentials=([^,]+)/.exec(words) ?? [];
  expect(existsSync(file)).toBe(false);
  const left = memoryFolders().flatMap((folder) => readdirSync(folder));
  expect(left.filter((name) => name.startsWith(`stoker-secret-${process.pid}-`))).toEqual([]);
});

test("a share that can't be mounted says so with Azure's code, its account and share, and without its key", async () => {
  const { failure } = places({
    mount: `grep . "\${4#*credentials=}" >&2; exit 32`,
  });
  const error = await failure([share("afs", "data")]);
  expect(error?.code).toBe("AZFMountError");
  expect(JSON.stringify([error?.message, error?.details])).toContain("acct.file.core.windows.net");
  expect(JSON.stringify([error?.message, error?.details])).not.toContain("geheim");
});

/** The real rclone, to which a folder of this machine stands for Azure's container. */
const localRclone = (remote: string) => `
d=$(dirname "$0"); env > "$d/environment"; echo "$@" > "$d/words"
args=(); for word in "$@"; do args+=("\${word/:azureblob:/:local:${remote}/}"); done
exec /usr/bin/rclone "\${args[@]}"`;

withRclone("containers are mounted by rclone itself, read and written, and nothing of it is left", async () => {
  const remote = places().dir;
  const { root, dir, mounts, never } = places({ rclone: localRclone(remote) }, { mountLimitMs: 30_000 });
  for (const name of ["models", "logs"]) mkdirSync(join(remote, name));
  writeFileSync(join(remote, "models/weights"), "w");
  await mounts.mount(root, [container("in", "models", "-o ro"), container("out", "logs")], {}, never);
  expect(mountAt(join(root, "in"))).toMatchObject({ type: "fuse.rclone", source: "azureblob:acct/models" });
  expect(readFileSync(join(root, "in/weights"), "utf8")).toBe("w");
  expect(() => writeFileSync(join(root, "in/no"), "")).toThrow();
  writeFileSync(join(root, "out/log"), "line\n");
  // The same again is the same mount.
  await mounts.mount(root, [container("in", "models", "-o ro")], {}, never);
  expect(mountsUnder(root)).toHaveLength(2);
  expect(readFileSync(join(dir, "bin/environment"), "utf8")).toContain("RCLONE_AZUREBLOB_KEY=geheim==");
  expect(readFileSync(join(dir, "bin/words"), "utf8")).not.toContain("geheim");
  await mounts.unmountAll(root);
  expect(mountsUnder(root)).toEqual([]);
  expect(readFileSync(join(remote, "logs/log"), "utf8")).toBe("line\n");
  expect(readdirSync(join(dir, "caches"))).toEqual([]);
  const daemons = () => execFileSync("sh", ["-c", `pgrep -f '${dir}/[c]aches' || true`]).toString();
  await expect.poll(daemons, { timeout: 10_000 }).toBe("");
});

withRclone("a container that is not there fails with blobfuse's code", async () => {
  const { failure } = places(
    { rclone: `echo "Failed to mount: container models: 403 for key $RCLONE_AZUREBLOB_KEY" >&2; exit 1` },
    { mountLimitMs: 30_000 },
  );
  const error = await failure([container("bfs", "models")]);
  expect(error).toMatchObject({ code: "BFSMountError", message: expect.stringContaining("403 for key ***") });
  expect(JSON.stringify(error?.details)).toContain('"Container"');
});
