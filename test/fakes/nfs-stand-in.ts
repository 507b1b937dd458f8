import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** At the process boundary, for kernels without an NFS client: a `mount` that binds a folder of this machine where NFS is asked for. */
export class NfsStandIn {
  /** For `stoker-agent --system-path`. */
  readonly path: string;
  private readonly folder: string;

  constructor(dir: string) {
    this.folder = join(dir, "nfs-stand-in");
    this.path = `${this.folder}:${systemPath}`;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, "exports"), "");
    writeFileSync(join(this.folder, "called"), "");
    writeFileSync(join(this.folder, "mount"), script(this.folder));
    chmodSync(join(this.folder, "mount"), 0o755);
  }

  /** What `source`, such as `filer:/data`, shows; directories below it too. */
  export(source: string, folder: string): void {
    appendFileSync(join(this.folder, "exports"), `${source}\t${folder}\n`);
  }

  /** The words of every call for NFS. */
  get calls(): string[] {
    return readFileSync(join(this.folder, "called"), "utf8").trim().split("\n");
  }
}

const script = (folder: string) => `#!/bin/bash
mount=/bin/mount
[ "$1 $2" = "-t nfs" ] || exec $mount "$@"
echo "$*" >> '${folder}/called'
source=\${*: -2:1} target=\${*: -1}
while IFS=$'\\t' read -r known folder; do
  case $source in
    "$known" | "$known"/*) exec $mount --bind "$folder\${source#"$known"}" "$target" ;;
  esac
done < '${folder}/exports'
echo "mount.nfs: No route to host for $source on $target" >&2
exit 32
`;
