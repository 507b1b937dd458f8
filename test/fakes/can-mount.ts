import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Real mounts need root, and a kernel that lets it. */
export const canMount = (() => {
  const dir = mkdtempSync(join(tmpdir(), "can-mount-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "tmpfs", dir], { stdio: "ignore" }).status === 0;
  if (mounted) spawnSync("umount", [dir], { stdio: "ignore" });
  rmSync(dir, { recursive: true });
  return mounted;
})();
