import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Account } from "../core/policy/accounts.js";

const run = promisify(execFile);

/** A directory service that is away. */
const limitMs = 15_000;

/**
 * By the machine's own programs, because accounts may come from LDAP and the like. `path`: where they are looked for. Undefined: there is
 * none of that name. Throws when nobody knows.
 */
export async function lookUpAccount(name: string, path: string): Promise<Account | undefined> {
  const options = { env: { PATH: path, LC_ALL: "C" }, timeout: limitMs, killSignal: "SIGKILL" } as const;
  let line: string;
  try {
    line = (await run("getent", ["passwd", "--", name], options)).stdout;
  } catch (error) {
    // By getent's manual: one of the keys was not found.
    if (error instanceof Error && "code" in error && error.code === 2) return undefined;
    throw new Error(`account ${name} can't be looked up: ${inWords(error)}`, { cause: error });
  }
  const [found, , uid, gid, , home, shell] = line.split("\n")[0]?.split(":") ?? [];
  // Under another name, or by its number.
  if (found !== name) return undefined;
  const groups = (await run("id", ["-G", "--", name], options)).stdout.trim().split(/\s+/);
  const numbers = { uid: Number(uid), gid: Number(gid), groups: groups.map(Number) };
  if (![numbers.uid, numbers.gid, ...numbers.groups].every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new Error(`account ${name} can't be understood: ${line.trim()}`);
  return { name, ...numbers, home: home || "/", shell: shell ?? "" };
}

const inWords = (error: unknown) => (error instanceof Error ? error.message.split("\n")[0] : String(error));
