import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { MountError } from "../../agent/mounts/mount-error.js";
import { mountsUnder } from "../../agent/mounts/mountinfo.js";
import { NodeMounts, type NodeMountsOptions } from "../../agent/mounts/node-mounts.js";
import { type MountPlan, MountPlanSchema } from "../../shared/gen/stoker/v1/mount_pb.js";

/** Real mounts (of tmpfs): needs root, and a kernel that lets it. */
export const canMount = (() => {
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

export const plan = (relativeMountPath: string, kind: MessageInitShape<typeof MountPlanSchema>["kind"]): MountPlan =>
  create(MountPlanSchema, { relativeMountPath, ...(kind ? { kind } : {}) });
export const command = (path: string, words: string) => plan(path, { case: "command", value: { command: words } });
export const tmpfs = (path: string) => command(path, "mount -t tmpfs tmpfs");
export const nfs = (path: string, exported = "/export", options = "vers=4.2,soft") =>
  plan(path, { case: "nfs", value: { host: "filer", export: exported, options } });

/** What programs a test puts before the machine's own, by name. */
export type Programs = Record<string, string>;

/** At the process boundary: a `mount` that says how it was called, and mounts a tmpfs of that source; or programs that do as told. */
export function places(programs: Programs = {}, more: Partial<NodeMountsOptions> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "mounts-"));
  const root = join(dir, "root with blank");
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const nfsAsTmpfs = `echo "$@" >> ${dir}/called; [ "$2" = nfs ] || exec /bin/mount "$@"; exec /bin/mount -t tmpfs "\${@: -2:1}" "\${@: -1}"`;
  for (const [name, script] of Object.entries({ mount: nfsAsTmpfs, ...programs })) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const mounts = new NodeMounts(
    {
      ...{ nodeName: "node-7", mountLimitMs: 400, retryMs: 100, caches: join(dir, "caches") },
      path: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
      ...more,
    },
    pino({ level: "silent" }),
  );
  onTestFinished(async () => {
    await mounts.close();
    for (const { path } of mountsUnder(dir)) execFileSync("umount", ["-l", path]);
    rmSync(dir, { recursive: true, force: true });
  });
  const failure = (plans: MountPlan[], signal = new AbortController().signal, secrets: string[] = []) =>
    mounts.mount(root, plans, {}, signal, secrets).then(
      () => undefined,
      (error: unknown) => error as MountError,
    );
  return { root, dir, mounts, failure, never: new AbortController().signal };
}
