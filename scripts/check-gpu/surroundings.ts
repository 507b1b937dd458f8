import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A container's environment may hold nothing; and what lies beside this program is found before what the machine has. */
export function completePath(beside: string): void {
  const own = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  process.env.PATH = [...new Set([...own, ...usualPath.split(":"), beside])].join(delimiter);
  process.env.HOME ??= "/";
}

export const found = (name: string): string | undefined =>
  name.includes("/")
    ? existsSync(name)
      ? name
      : undefined
    : (process.env.PATH ?? "")
        .split(delimiter)
        .map((folder) => join(folder, name))
        .find((path) => existsSync(path));

/** Why no coordinator and agent can be started from that folder; undefined: they can. */
export function siteProblem(programs: string): string | undefined {
  for (const name of ["stoker-coordinator.js", "stoker-agent.js", "stoker.js", "stoker-shim", "stoker-rsh"]) {
    if (!existsSync(join(programs, name))) return `${join(programs, name)} is not there: copy the whole of dist/`;
  }
  for (const name of ["better-sqlite3", "node-pty"]) {
    const text = `const m = require(${JSON.stringify(name)}); if (m.prototype && m.prototype.prepare) new m(":memory:").close();`;
    const { status, stderr } = spawnSync(process.execPath, ["-e", text], { cwd: programs, encoding: "utf8" });
    if (status !== 0) return `the package ${name} can't be loaded there: ${reasonIn(stderr)}; see --pack`;
  }
  const shim = join(programs, "stoker-shim");
  const { error } = spawnSync(shim, ["--help"], { encoding: "utf8", timeout: 10_000 });
  if (error) return `${shim} can't be run here: ${error.message}`;
  if (found("nats-server") === undefined)
    return `there is no nats-server: put one on the PATH, or beside check-gpu.js (${programs}); see --pack`;
  return undefined;
}

const reasonIn = (stderr: string) => /^(?:\w*Error): (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().slice(-200);

/** What is to keep a GPU busy: by Python, or by our own test, which needs nothing but the driver's library. */
export function busyCommand(programs: string, script: string, seconds: number): { command: string } | { why: string } {
  const python = found("python3");
  const loads = 'import ctypes; ctypes.CDLL("libcuda.so.1")';
  if (python !== undefined && succeeds(python, ["-c", loads])) return { command: `python3 ${script} ${seconds}` };
  const test = join(programs, "stoker-node-test");
  const said = existsSync(test)
    ? spawnSync(test, ["gpu", "1", "128"], { encoding: "utf8", timeout: 30_000 })
    : undefined;
  if (said?.status === 0) return { command: `${test} busy ${seconds} 1024` };
  const own = said ? (said.error?.message ?? said.stdout.trim().slice(-300)) : "it is not there";
  return {
    why: `nothing can use a GPU here: ${python === undefined ? "there is no python3" : "python3 can't load libcuda.so.1"}, and stoker-node-test says: ${own}`,
  };
}

function succeeds(program: string, words: string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
