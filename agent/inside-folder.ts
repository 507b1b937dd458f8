import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { DataPaths } from "./paths.js";
import type { RemoteStarts } from "./ports.js";

/** The longest path that a unix socket can be bound to, with room for the final zero. */
const socketPathLimit = 107;

/** Makes the folder that every container sees as /run/stoker: launchers, and the agent's socket, which a later agent makes anew in it. */
export function makeInsideFolder(paths: DataPaths, shimPath: string): void {
  const bin = join(paths.inside, "bin");
  mkdirSync(bin, { recursive: true });
  // Put in their places at once: what runs in containers of an earlier agent may be calling them, or be them.
  const put = (name: string, make: (path: string) => void) => {
    const next = join(bin, `${name}.next`);
    rmSync(next, { force: true });
    make(next);
    renameSync(next, join(bin, name));
  };
  // A restart needs no room on the disk.
  if (!isCopy(shimPath, join(bin, "stoker-shim"))) put("stoker-shim", (path) => copyFileSync(shimPath, path));
  for (const name of ["stoker-rsh", "ssh"]) {
    if (!existsSync(join(bin, name))) put(name, (path) => symlinkSync("stoker-shim", path));
  }
}

const isCopy = (of: string, path: string) => existsSync(path) && readFileSync(path).equals(readFileSync(of));

/** The socket is in that folder, however long its path is; processes of the machine find it under its old name. */
export async function listenInside(
  paths: DataPaths,
  remote: Pick<RemoteStarts, "listen">,
  forAccounts: boolean,
): Promise<void> {
  const { inside, socket } = paths;
  const path = join(inside, "agent.sock");
  const fits = Buffer.byteLength(path) <= socketPathLimit;
  const folder = fits ? inside : `/proc/self/fd/${openSync(inside, "r")}`;
  await remote.listen(join(folder, "agent.sock"), forAccounts ? join(folder, "ranks.sock") : undefined);
  rmSync(`${socket}.next`, { force: true });
  symlinkSync(path, `${socket}.next`);
  renameSync(`${socket}.next`, socket);
}
