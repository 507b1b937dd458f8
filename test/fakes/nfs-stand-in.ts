import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** At the process boundary, for kernels without an NFS client: a `mount` that binds a folder of this machine where NFS is asked for. */
export class NfsStandIn {
  /** For `stoker-agent --system-path`. */
  readonly path: string;
  private readonly folder: string;

  /** `hasClient`: the kernel has one after all, which is only watched. */
  constructor(dir: string, hasClient = false) {
    this.folder = join(dir, "nfs-stand-in");
    this.path = `${this.folder}:${systemPath}`;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, "exports"), "");
    for (const name of ["called", "took"]) writeFileSync(join(this.folder, name), "");
    writeFileSync(join(this.folder, "mount"), script(this.folder, hasClient));
    chmodSync(join(this.folder, "mount"), 0o755);
  }

  /** What `source`, such as `filer:/data`, shows; directories below it too. */
  export(source: string, folder: string): void {
    appendFileSync(join(this.folder, "exports"), `${source}\t${folder}\n`);
  }

  /** Milliseconds since the epoch at which each mount began and ended, as they ended. */
  get times(): Array<{ began: number; ended: number }> {
    const lines = readFileSync(join(this.folder, "took"), "utf8").trim().split("\n");
    return lines.filter(Boolean).map((line) => {
      const [began = 0, ended = 0] = line.split(" ").map((seconds) => Number(seconds) * 1000);
      return { began, ended };
    });
  }

  /** The words of every call for NFS. */
  get calls(): string[] {
    return readFileSync(join(this.folder, "called"), "utf8").trim().split("\n");
  }
}

const script = (folder: string, hasClient: boolean) => `#!/bin/bash
mount=/bin/mount
[ "$1 $2" = "-t nfs" ] || exec $mount "$@"
echo "$*" >> '${folder}/called'
source=\${*: -2:1} target=\${*: -1} began=$EPOCHREALTIME
ended() { code=$?; echo "$began $EPOCHREALTIME" >> '${folder}/took'; exit $code; }
${hasClient ? '$mount "$@"; ended' : ""}
while IFS=$'\\t' read -r known folder; do
  case $source in
    "$known" | "$known"/*) $mount --bind "$folder\${source#"$known"}" "$target"; ended ;;
  esac
done < '${folder}/exports'
echo "mount.nfs: No route to host for $source on $target" >&2
exit 32
`;
