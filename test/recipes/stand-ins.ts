import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * What can't be had from Debian (TensorFlow, CNTK, Caffe, Chainer, Horovod) and what a test shall not do (apt, pip): programs under their
 * names that write down how they were called. They stand in ~/.bashrc's PATH, as preparation scripts of Batch AI's time put theirs.
 */
export interface Call {
  program: string;
  words: string[];
  environment: Record<string, string>;
  folder: string;
}

/**
 * `python` runs a script that says so by the real one; a parameter server stays until it is stopped, and a worker does not end before all of
 * its cluster are there: the end of the first ends the others. $0's first folder below `records` is made whole before it gets its name.
 */
export const recorder = (records: string) => `#!/bin/bash
call=$(mktemp -d ${records}/.call-XXXXXXXX)
cat /proc/$$/environ >"$call/environ"
printf '%s\\0' "$0" "$@" >"$call/words"
pwd >"$call/folder"
mv "$call" "${records}/call-\${call##*-}"
for word; do
  case $word in *.py) script=$word ;; --job_name=ps) echo "serving"; exec sleep 600 ;; --job_name=worker) works=1 ;; esac
done
if [ "$works" ]; then
  tasks=$(grep -oE '"[^" ]+:[0-9]+"' <<<"$TF_CONFIG" | wc -l)
  for ((tries = 0; tries < 600; tries += 1)); do
    [ "$(grep -lzFx "STOKER_JOB_ID=$STOKER_JOB_ID" ${records}/call-*/environ | wc -l)" -lt "$tasks" ] || break
    sleep 0.05
  done
fi
case $0 in
  */python) if [ -x /usr/bin/python3 ] && [ -f "$script" ] && grep -q '^# real' "$script"; then exec /usr/bin/python3 "$@"; fi ;;
esac
echo "\${0##*/} ran on $STOKER_NODE"
`;

/** Each reading of ~/.bashrc is told, and keeps what the host file holds then. */
const bashrc = (programs: string, sourced: string) => `export PATH=${programs}:$PATH
if [ -n "$STOKER_JOB_ID" ]; then
  echo "$STOKER_JOB_ID" >>${sourced}
  cp "$AZ_BATCHAI_MPI_HOST_FILE" "${sourced}.\${STOKER_JOB_ID##*/}"
fi
`;

export const names = ["python", "cntk", "caffe", "apt", "pip"];

export class StandIns {
  readonly records: string;
  readonly sourced: string;

  constructor(folder: string, home: string) {
    this.records = join(folder, "records");
    this.sourced = join(folder, "bashrc-sourced");
    const programs = join(folder, "programs");
    for (const path of [this.records, programs, home]) mkdirSync(path, { recursive: true });
    for (const name of names) {
      writeFileSync(join(programs, name), recorder(this.records));
      chmodSync(join(programs, name), 0o755);
    }
    writeFileSync(join(home, ".bashrc"), bashrc(programs, this.sourced));
  }

  /** Of one job, in no order. */
  calls(job: string): Call[] {
    return callsIn(this.records).filter(({ environment }) => environment.STOKER_JOB_ID?.endsWith(`/jobs/${job}`));
  }

  timesSourced(job: string): number {
    const text = existsSync(this.sourced) ? readFileSync(this.sourced, "utf8") : "";
    return text.split("\n").filter((line) => line.endsWith(`/jobs/${job}`)).length;
  }

  /** As its processes saw it. */
  hostFile(job: string): string {
    return readFileSync(`${this.sourced}.${job}`, "utf8");
  }
}

export const callsIn = (folder: string): Call[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith("call-"))
    .map((name) => callAt(join(folder, name)));

function callAt(path: string): Call {
  const [program = "", ...words] = pieces(join(path, "words"));
  const environment = pieces(join(path, "environ")).map((entry) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  return {
    program: basename(program),
    words,
    environment: Object.fromEntries(environment),
    folder: readFileSync(join(path, "folder"), "utf8").trim(),
  };
}

/** Texts that each end in a zero byte. */
const pieces = (path: string) => readFileSync(path, "utf8").split("\0").slice(0, -1);

/**
 * `program words`, with what the job's own variables hold put as their names: the longest first, for one path holds others. What a user's
 * own mpirun hands to all nodes was expanded on the first.
 */
export function inVariables({ program, words }: Call, calls: readonly Call[]): string {
  const shown = /^AZ_BATCHAI_(INPUT_|OUTPUT_|JOB_MOUNT_ROOT$|JOB_TEMP$|SHARED_JOB_TEMP$)/;
  const values = calls
    .flatMap(({ environment }) => Object.entries(environment).filter(([key]) => shown.test(key)))
    .sort(([, a], [, b]) => b.length - a.length);
  const text = values.reduce((line, [key, value]) => line.replaceAll(value, `$${key}`), words.join(" "));
  return [program, text].filter((part) => part !== "").join(" ");
}
