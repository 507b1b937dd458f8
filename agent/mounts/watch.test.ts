import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test as plain, vi } from "vitest";
import { canMount, nfs, places, tmpfs } from "../../test/fakes/mount-places.js";
import { mountAt, mountsUnder } from "./mountinfo.js";

const test = plain.skipIf(!canMount);

/** A `stat` that fails or hangs as files in its folder say; else the machine's own. */
const stat = `
d=$(dirname "$0"); echo $$ >> "$d/probes"
if [ -e "$d/hangs" ]; then exec sleep 600; fi
if [ -e "$d/stale" ]; then echo "stat: cannot read file system information: Stale file handle" >&2; exit 1; fi
exec /usr/bin/stat "$@"`;

function watched(inUse: () => boolean = () => false) {
  const made = places({ stat }, { probeMs: 50, probeLimitMs: 300, mountLimitMs: 10_000 });
  const jobMounts = join(made.dir, "job-mounts");
  mkdirSync(jobMounts);
  const held: string[] = [];
  made.mounts.watch({ inUse, jobMounts, heldMounts: () => held });
  const flag = (name: string) => writeFileSync(join(made.dir, "bin", name), "");
  const unflag = (name: string) => execFileSync("rm", ["-f", join(made.dir, "bin", name)]);
  const mounted = () => readFileSync(join(made.dir, "called"), "utf8").trim().split("\n").length;
  return { ...made, jobMounts, held, flag, unflag, mounted };
}
const soon = { timeout: 20_000, interval: 20 };

test("a server that does not answer is told, costs one process at a time, and is told no longer when it is back", async () => {
  const { root, dir, mounts, flag, unflag, mounted } = watched();
  await mounts.setCluster(root, [nfs("data")]);
  flag("hangs");
  await vi.waitFor(() => expect(mounts.clusterProblem()).toBe("the server of volume data does not answer"), soon);
  const alive = readFileSync(join(dir, "bin/probes"), "utf8")
    .trim()
    .split("\n")
    .filter((pid) => existsSync(`/proc/${pid}`));
  expect(alive.length).toBeLessThan(2);
  unflag("hangs");
  await vi.waitFor(() => expect(mounts.clusterProblem()).toBe(""), soon);
  expect(mounted()).toBe(1);
});

test("a stale volume is mounted anew when no job uses it, and not before", async () => {
  let inUse = true;
  const { root, mounts, flag, unflag, mounted } = watched(() => inUse);
  await mounts.setCluster(root, [nfs("data")]);
  flag("stale");
  await vi.waitFor(() => expect(mounts.clusterProblem()).toContain("volume data is stale: stat"), soon);
  expect(mounted()).toBe(1);
  inUse = false;
  await vi.waitFor(() => expect(mounted()).toBeGreaterThan(1), soon);
  unflag("stale");
  await vi.waitFor(() => {
    expect(mounts.clusterProblem()).toBe("");
    expect(mountAt(join(root, "data"))?.source).toBe("filer:/export");
  }, soon);
});

test("a volume that somebody unmounted comes back", async () => {
  const { root, mounts } = watched();
  await mounts.setCluster(root, [nfs("data"), nfs("other", "/other")]);
  execFileSync("umount", [join(root, "data")]);
  await vi.waitFor(() => expect(mountAt(join(root, "data"))?.source).toBe("filer:/export"), soon);
});

test("what was left mounted for a lease that is gone goes, and what is held stays", async () => {
  const { mounts, jobMounts, held, never } = watched();
  held.push(join(jobMounts, "held"));
  await mounts.mount(join(jobMounts, "held"), [tmpfs("a")], {}, never);
  execFileSync("mkdir", ["-p", join(jobMounts, "gone/a")]);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", join(jobMounts, "gone/a")]);
  await vi.waitFor(
    () => expect(mountsUnder(jobMounts).map(({ path }) => path)).toEqual([join(jobMounts, "held/a")]),
    soon,
  );
});
