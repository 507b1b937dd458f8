import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { AccountFlags } from "../body/account.js";
import type { VolumeFlags } from "../body/volumes.js";
import type { Call } from "../call.js";
import { exitCode, Failure } from "../failure.js";

/** The flags about mounts, with what settings add to them. */
export async function volumeFlags(call: Call): Promise<VolumeFlags> {
  const { storageAccount, storageKey } = await call.settings();
  return {
    workspace: await call.workspace(),
    nfs: call.text("nfs"),
    nfsMountPath: call.text("nfsMountPath"),
    afsName: call.text("afsName"),
    afsMountPath: call.text("afsMountPath"),
    bfsName: call.text("bfsName"),
    bfsMountPath: call.text("bfsMountPath"),
    autoStorage: call.flag("useAutoStorage"),
    storageAccount,
    storageKey,
  };
}

/** The admin account of a cluster's or file server's machines. */
export async function accountFlags(call: Call): Promise<AccountFlags> {
  const home = call.world.environment.HOME || homedir();
  const own = join(home, ".ssh/id_rsa.pub");
  if (call.flag("generateSshKeys") && !existsSync(own)) await generateKey(home);
  const given = call.text("sshKey") ?? (call.flag("generateSshKeys") ? own : undefined);
  return {
    userName: call.text("userName"),
    sshKey: given === undefined ? undefined : (keyIn(given) ?? given),
    password: call.text("password"),
    defaults: { userName: userInfo().username, sshKey: keyIn(own) },
  };
}

const keyIn = (path: string) => (existsSync(path) ? readFileSync(path, "utf8").trim() : undefined);

async function generateKey(home: string): Promise<void> {
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const words = ["-q", "-t", "rsa", "-N", "", "-f", join(home, ".ssh/id_rsa")];
  await promisify(execFile)("ssh-keygen", words).catch((error: unknown) => {
    throw new Failure(
      exitCode.failed,
      `--generate-ssh-keys: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}

export async function warn(call: Call, file: string | undefined, warnings: readonly string[]): Promise<void> {
  for (const warning of warnings) await call.notice(`${file && file !== "-" ? `${file}: ` : ""}${warning}`);
}
