import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test as plain, vi } from "vitest";
import { MountPlanSchema } from "../../shared/gen/stoker/v1/mount_pb.js";
import { canMount, nfs, places, plan, tmpfs } from "../../test/fakes/mount-places.js";
import { mountAt, mountsUnder } from "./mountinfo.js";

const test = plain.skipIf(!canMount);

test("NFS: options pass through, the same twice is one mount, and unmounting leaves nothing", async () => {
  const { root, dir, mounts, never } = places();
  await mounts.mount(root, [nfs("data")], {}, never);
  expect(mountAt(join(root, "data"))?.source).toBe("filer:/export");
  await mounts.mount(root, [nfs("data", "/export/")], {}, never);
  expect(readFileSync(join(dir, "called"), "utf8")).toBe(
    `-t nfs -o vers=4.2,soft,nosuid,nodev filer:/export ${join(root, "data")}\n`,
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
  const { failure } = places({
    mount: "echo 'mount.nfs: access denied by server while mounting filer:/export' >&2; exit 32",
  });
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
  const { failure, dir } = places({
    mount: `sleep 7${process.pid}.5 & echo $! > "$(dirname "$0")/pid"; trap '' TERM; wait`,
  });
  const before = Date.now();
  const error = await failure([nfs("data")]);
  expect(error?.message).toContain("longer than 0.4 s");
  expect(Date.now() - before).toBeLessThan(5_000);
  const pid = readFileSync(join(dir, "bin", "pid"), "utf8").trim();
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), 5_000);
});

test("a mount can be called off", async () => {
  const { failure } = places({ mount: "sleep 600" });
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

test("nor does one that takes the folder's place when it was looked at already", async () => {
  // As whoever can write to the outer volume, or serves it: between the look and the mount.
  const swap = `d=$(dirname "$0")/..; [ "\${@: -2:1}" = filer:/inner ] && mv "$d/root with blank/outer/in" "$d/root with blank/outer/was" && ln -s "$d/elsewhere" "$d/root with blank/outer/in"
[ "$2" = nfs ] || exec /bin/mount "$@"; exec /bin/mount -t tmpfs "\${@: -2:1}" "\${@: -1}"`;
  const { root, dir, failure } = places({ mount: swap });
  mkdirSync(join(dir, "elsewhere"));
  const error = await failure([tmpfs("outer"), nfs("outer/in", "/inner")]);
  expect(error?.message).toContain("nothing is mounted there");
  // In the folder that it was meant for, which is undone with the outer one's.
  expect(mountsUnder(dir).map(({ path }) => path)).toEqual([join(root, "outer/was"), join(root, "outer")]);
});

test("words of the shell in a mount's path are a folder's name", async () => {
  const { root, mounts, never } = places();
  for (const path of ["a b/$(id)", "*/-p/'", "-rf"]) {
    await mounts.mount(root, [tmpfs(path)], {}, never);
    expect(mountAt(join(root, path))?.type).toBe("tmpfs");
  }
});

test("a cluster's volumes are tried until they are there, and the trouble is told meanwhile", async () => {
  const { root, mounts, dir } = places({
    mount: `[ -e "$(dirname "$0")/../up" ] || { echo 'no route' >&2; exit 32; }; exec /bin/mount -t tmpfs "\${@: -2:1}" "\${@: -1}"`,
  });
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

test("two volumes of each kind that a machine without servers can mount, at once, and none is left", async () => {
  const { root, mounts, never } = places();
  const all = [nfs("a/nfs"), tmpfs("a/tmp"), nfs("b/nfs", "/other"), tmpfs("b/tmp")];
  await mounts.mount(root, all, {}, never);
  expect(mountsUnder(root)).toHaveLength(4);
  await mounts.unmountAll(root);
  expect(mountsUnder(root)).toEqual([]);
});

test("volumes side by side are mounted at once, and the first failure calls the others off", async () => {
  const meeting = `d=$(dirname "$0"); touch "$d/here.$$"; while [ $(ls "$d"/here.* | wc -l) -lt 2 ]; do sleep 0.01; done; exec /bin/mount -t tmpfs x "\${@: -1}"`;
  const { root, mounts, never } = places({ mount: meeting }, { mountLimitMs: 20_000 });
  await mounts.mount(root, [nfs("one"), nfs("two")], {}, never);
  expect(mountsUnder(root)).toHaveLength(2);
  const { failure } = places({ mount: `case "$*" in *bad) exit 32;; esac; sleep 600` }, { mountLimitMs: 600_000 });
  expect((await failure([nfs("slow"), nfs("bad")]))?.message).toContain("bad could not be mounted");
});

test("what a command says of its password is not told, and neither is a job's secret", async () => {
  const { failure } = places();
  const words = "true -o user=ann,password=geheim //nas/x; echo 'no: geheim, hush' >&2; false";
  const never = new AbortController().signal;
  const error = await failure([plan("x", { case: "command", value: { command: words } })], never, ["hush"]);
  expect(error?.message).toContain("no: ***, ***");
  expect(JSON.stringify([error?.message, error?.details])).not.toMatch(/geheim|hush/);
  // So long that its beginning is cut off, in the middle of the password.
  const long = `printf geheim >&2; printf 'y%.0s' {1..1996} >&2; false`;
  const cut = await failure([plan("x", { case: "command", value: { command: `: pw=geheim; ${long}` } })]);
  expect(JSON.stringify([cut?.message, cut?.details])).not.toMatch(/heim/);
  const broken = { command: "mount -o password=geheim (" };
  const syntax = await failure([plan("x", { case: "command", value: broken })]);
  expect(JSON.stringify(syntax?.details)).toContain("syntax error");
  expect(JSON.stringify([syntax?.message, syntax?.details])).not.toContain("geheim");
});

test("a kind of volume that only a newer agent knows is an error, not a silence", async () => {
  const { failure } = places();
  expect((await failure([create(MountPlanSchema, { relativeMountPath: "x" })]))?.message).toContain("does not know");
});
