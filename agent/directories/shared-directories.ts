import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import type { LeaseId } from "../../shared/ids.js";

/** A directory server may be gone: whatever touches what is mounted is done by a process that can be killed. */
const limitMs = 60_000;

export interface DirectoriesPlan {
  /** Absolute paths, made with their parents. */
  directories: readonly string[];
  /** Files of an earlier attempt in `stdDirectory` that get its number: `stdout.txt` → `stdout.attempt-1.txt`. */
  stdDirectory: string;
  earlier: readonly string[];
  attempt: number;
  /** The processes carry its mark: a `mv` that hung on a server is found and ended before the next attempt begins. */
  lease: LeaseId;
  /** Words before the command, which make it the job's account's. */
  as?: readonly string[];
  /** Of the job, in the directories that are its own below a place that it may share with others. */
  segment: string;
}

// Thrice a number of directories and those: roots, the levels below them that jobs of several accounts share, and the job's own. Then pairs of old
// and new names. A level is everybody's to add to from its first moment, as two accounts may come to it together.
const script = `
count=$1; shift
while [ "$count" -gt 0 ]; do [ -d "$1" ] || mkdir -p -- "$1" || exit 1; shift; count=$((count-1)); done
count=$1; shift
while [ "$count" -gt 0 ]; do [ -d "$1" ] || (umask 0; mkdir -m 1777 -- "$1" 2>/dev/null); shift; count=$((count-1)); done
count=$1; shift
while [ "$count" -gt 0 ]; do mkdir -p -- "$1" || exit 1; shift; count=$((count-1)); done
while [ $# -gt 1 ]; do
  if [ -e "$1" ] && [ ! -e "$2" ]; then mv -- "$1" "$2" || exit 1; fi
  shift 2
done
`;

/** Undefined when all is made, else what went wrong. */
export function makeDirectories(plan: DirectoriesPlan, signal: AbortSignal): Promise<string | undefined> {
  const renames =
    plan.attempt > 1
      ? plan.earlier.flatMap((name) => [
          join(plan.stdDirectory, name),
          join(plan.stdDirectory, earlierName(name, plan.attempt - 1)),
        ])
      : [];
  const { roots, levels } = plan.as?.length ? sharedIn(plan) : { roots: [], levels: [] };
  const words = [...[roots, levels, plan.directories].flatMap((paths) => [String(paths.length), ...paths]), ...renames];
  return new Promise((resolve) => {
    const [program = "/bin/sh", ...before] = [...(plan.as ?? []), "/bin/sh"];
    const child = spawn(program, [...before, "-c", script, "directories", ...words], {
      cwd: "/",
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", STOKER_LEASE: plan.lease },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = `${errors}${chunk.toString()}`.slice(-1000);
    });
    const end = (problem: string | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(problem);
    };
    // A process that waits for a dead server may not even obey SIGKILL: it is left to die by itself.
    const giveUp = () => {
      child.kill("SIGKILL");
      child.stderr.destroy();
      end("it was given up because the job is stopping");
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      child.stderr.destroy();
      end(`the file system did not answer within ${limitMs / 1000} s (${plan.directories.join(", ")})`);
    }, limitMs);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    child.once("error", (error) => end(error.message));
    child.once("close", (code) => end(code === 0 ? undefined : errors.trim() || `exit code ${code}`));
  });
}

/** What lies above the job's own directory: whoever's job comes first makes it, and others' must be able to add theirs. */
function sharedIn({ directories, segment }: DirectoriesPlan): { roots: string[]; levels: string[] } {
  const names = segment.split("/").slice(0, -1);
  const found = directories.flatMap((path) => {
    const at = `${path}/`.indexOf(`/${segment}/`);
    return at > 0 ? [path.slice(0, at)] : [];
  });
  const roots = [...new Set(found)];
  return {
    roots,
    levels: roots.flatMap((root) => names.map((_, index) => join(root, ...names.slice(0, index + 1)))),
  };
}

export function earlierName(name: string, attempt: number): string {
  const at = basename(name).lastIndexOf(".");
  return at <= 0 ? `${name}.attempt-${attempt}` : `${name.slice(0, at)}.attempt-${attempt}${name.slice(at)}`;
}
