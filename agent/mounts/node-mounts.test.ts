import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { pino } from "pino";
import { expect, onTestFinished, test as plain, vi } from "vitest";
import { type MountPlan, MountPlanSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import type { MountError } from "./mount-error.js";
import { mountAt, mountsUnder } from "./mountinfo.js";
import { NodeMounts } from "./node-mounts.js";

/** Real mounts (of tmpfs): needs root, and a kernel that lets it. */
const canMount = (() => {
  const dir = mkdtempSync(join(tmpdir(), "can-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", dir], { stdio: "ignore" });
    execFileSync("umount", [dir]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dir, { recursive: true });
  }
})();
const test = plain.skipIf(!canMount);

const plan = (relativeMountPath: string, kind: MessageInitShape<typeof MountPlanSchema>["kind"]): MountPlan =>
  create(MountPlanSchema, { relativeMountPath, ...(kind ? { kind } : {}) });
const tmpfs = (path: string) => plan(path, { case: "command", value: { command: "mount -t tmpfs tmpfs" } });
const nfs = (path: string, exported = "/export", options = "vers=4.2,soft") =>
  plan(path, { case: "nfs", value: { host: "filer", export: exported, options } });

/** At the process boundary: a `mount` that says how it was called, and mounts a tmpfs of that source; or does as told. */
function places(mountScript?: string) {
  const dir = mkdtempSync(join(tmpdir(), "mounts-"));
  const root = join(dir, "root with blank");
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const real = execFileSync("bash", ["-c", "command -v mount"]).toString().trim();
  const nfsAsTmpfs = `echo "$@" >> ${dir}/called; [ "$2" = nfs ] || exec ${real} "$@"; exec ${real} -t tmpfs "\${@: -2:1}" "\${@: -1}"`;
  writeFileSync(join(bin, "mount"), `#!/bin/bash\n${mountScript ?? nfsAsTmpfs}\n`);
  chmodSync(join(bin, "mount"), 0o755);
  const options = { nodeName: "node-7", mountLimitMs: 400, retryMs: 100, path: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const mounts = new NodeMounts(options, pino({ level: "silent" }));
  onTestFinished(async () => {
    for (const { path } of mountsUnder(dir)) execFileSync("umount", ["-l", path]);
    rmSync(dir, { recursive: true, force: true });
  });
  const failure = (plans: MountPlan[], signal = new AbortController().signal) =>
    mounts.mount(root, plans, {}, signal).then(
      () => undefined,
      (error: unknown) => error as MountError,
    );
  return { root, dir, mounts, failure, never: new AbortController().signal };
}

test("NFS: options pass through, the same twice is one mount, and unmounting leaves nothing", async () => {
  const { root, dir, mounts, never } = places();
  await mounts.mount(root, [nfs("data")], {}, never);
  expect(mountAt(join(root, "data"))?.source).toBe("filer:/export");
  await mounts.mount(root, [nfs("data", "/export/")], {}, never);
  expect(readFileSync(join(dir, "called"), "utf8")).toBe(
    `-t nfs -o vers=4.2,soft filer:/export ${join(root, "data")}\n`,
  );
  await mounts.unmountAll(root);
  expect(mountsUnder(root)).toEqual([]);
  expect(existsSync(root)).toBe(false);
});

test("another source at the same path takes the place of the first", async () => {
  const { root, mounts, never } = places();
  await mounts.mount(root, [nfs("data", "/old")], {}, never);
  await mounts.mount(root, [nfs("data", "/new")], {}, never);
  expect(mountsUnder(root).map(({ source }) => source)).toEqual(["filer:/new"]);
});

test("an unmanaged file system is the user's command with the path after it, in the job's environment without the lease's mark", async () => {
  const { root, dir, mounts, never } = places();
  const value = { command: `env > "$OUT"; mount -t tmpfs -o "size=$SIZE" tmpfs` };
  const environment = { OUT: join(dir, "env"), SIZE: "1m", STOKER_LEASE: "x.1", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
  await mounts.mount(root, [plan("scratch", { case: "command", value })], environment, never);
  expect(mountAt(join(root, "scratch"))?.type).toBe("tmpfs");
  expect(readFileSync(join(dir, "env"), "utf8")).not.toContain("STOKER_LEASE");
});

test("a volume inside another is mounted after it and unmounted before it", async () => {
  const { root, mounts, never } = places();
  await mounts.mount(root, [tmpfs("outer"), tmpfs("outer/inner")], {}, never);
  expect(mountsUnder(root)).toHaveLength(2);
  await mounts.unmountAll(root);
  expect(mountsUnder(root)).toEqual([]);
});

test("a volume in use goes away all the same", async () => {
  const { root, mounts, never } = places();
  await mounts.mount(root, [tmpfs("busy")], {}, never);
  const cwd = process.cwd();
  process.chdir(join(root, "busy"));
  onTestFinished(() => process.chdir(cwd));
  await mounts.unmountAll(root);
  expect(mountsUnder(root)).toEqual([]);
});

test("a failing mount is a typed error with all that is known", async () => {
  const { failure } = places("echo 'mount.nfs: access denied by server while mounting filer:/export' >&2; exit 32");
  const error = await failure([nfs("data")]);
  expect(error).toMatchObject({ code: "NFSMountError" });
  expect(error?.message).toBe(
    "data could not be mounted: exit code 32: mount.nfs: access denied by server while mounting filer:/export",
  );
  expect(Object.fromEntries(error?.details.map(({ name, value }) => [name, value]) ?? [])).toMatchObject({
    ...{ Server: "filer", Export: "/export", MountPath: "data", Node: "node-7" },
  });
});

test("a command that says it mounted and did not is an error; its text, which may hold a password, is not told", async () => {
  const { failure } = places();
  const error = await failure([plan("x", { case: "command", value: { command: "true --password=geheim" } })]);
  expect(error).toMatchObject({ code: "UnmanagedFileSystemMountError" });
  expect(JSON.stringify([error?.message, error?.details])).not.toContain("geheim");
});

test("a mount that hangs, with children of its own, ends at the limit", async () => {
  const { failure, dir } = places(`sleep 7${process.pid}.5 & echo $! > "$(dirname "$0")/pid"; trap '' TERM; wait`);
  const before = Date.now();
  const error = await failure([nfs("data")]);
  expect(error?.message).toContain("longer than 0.4 s");
  expect(Date.now() - before).toBeLessThan(5_000);
  const pid = readFileSync(join(dir, "bin", "pid"), "utf8").trim();
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), 5_000);
});

test("a mount can be called off", async () => {
  const { failure } = places("sleep 600");
  const abort = new AbortController();
  const failed = failure([nfs("data")], abort.signal);
  abort.abort();
  expect((await failed)?.message).toContain("called off");
});

test.each(["", "/etc", "../x", "a/../../b"])("a path that leads out of the root (%j) is refused", async (path) => {
  const { failure } = places();
  expect((await failure([tmpfs(path)]))?.message).toContain("not a path below");
});

test("a link that a job left on the way leads no volume out of the root", async () => {
  const { root, dir, failure } = places();
  mkdirSync(root);
  mkdirSync(join(dir, "elsewhere/deep"), { recursive: true });
  symlinkSync(join(dir, "elsewhere"), join(root, "data"));
  mkdirSync(join(root, "real"));
  symlinkSync(join(dir, "nowhere"), join(root, "real/dangling"));
  for (const path of ["data", "data/deep", "data/new/folder", "real/dangling/x"]) {
    expect((await failure([tmpfs(path)]))?.message).toContain("a link leads");
  }
  expect(mountsUnder(dir)).toEqual([]);
  // Not even an empty folder.
  expect(readdirSync(join(dir, "elsewhere"))).toEqual(["deep"]);
  expect(existsSync(join(dir, "nowhere"))).toBe(false);
});

test("words of the shell in a mount's path are a folder's name", async () => {
  const { root, mounts, never } = places();
  for (const path of ["a b/$(id)", "*/-p/'", "-rf"]) {
    await mounts.mount(root, [tmpfs(path)], {}, never);
    expect(mountAt(join(root, path))?.type).toBe("tmpfs");
  }
});

test("a cluster's volumes are tried until they are there, and the trouble is told meanwhile", async () => {
  const { root, mounts, dir } = places(
    `[ -e "$(dirname "$0")/../up" ] || { echo 'no route' >&2; exit 32; }; exec /bin/mount -t tmpfs "\${@: -2:1}" "\${@: -1}"`,
  );
  await mounts.setCluster(root, [nfs("shared")]);
  expect(mounts.clusterProblem()).toContain("no route");
  writeFileSync(join(dir, "up"), "");
  await vi.waitFor(() => expect(mounts.clusterProblem()).toBe(""), 5_000);
  expect(mountAt(join(root, "shared"))?.source).toBe("filer:/export");
  await mounts.setCluster(root, []);
  expect(mountsUnder(root)).toEqual([]);
});

test("after a restart, mounts of leases that are gone are undone and others kept", async () => {
  const { root, mounts, never } = places();
  await mounts.mount(join(root, "job-1"), [tmpfs("a")], {}, never);
  await mounts.mount(join(root, "job-2"), [tmpfs("a")], {}, never);
  await mounts.sweep(root, () => [join(root, "job-2")]);
  expect(mountsUnder(root).map(({ path }) => path)).toEqual([join(root, "job-2/a")]);
});

test("a kind of volume that only a newer agent knows is an error, not a silence", async () => {
  const { failure } = places();
  expect((await failure([create(MountPlanSchema, { relativeMountPath: "x" })]))?.message).toContain("does not know");
});
