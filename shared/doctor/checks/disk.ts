import { type Check, type Finding, fail, ok, warn } from "../finding.js";
import type { Machine } from "../machine.js";

export interface DiskWorld {
  machine: Machine;
  dataDir: string;
}

const gibibyte = 2 ** 30;
const network = /^(nfs4?|cifs|smb3|ceph|lustre|fuse\..*)$/;

export const disk: Check<DiskWorld> = {
  name: "disk",
  async look({ machine, dataDir }) {
    const room = machine.room(dataDir);
    if (!room) return fail(`the data folder ${dataDir} can't be read`, `ls -ld ${dataDir}`);
    const found: Finding[] = [ofRoom(dataDir, room.freeBytes, room.totalBytes)];
    if (room.totalFiles > 0 && room.freeFiles < room.totalFiles / 50) {
      found.push(
        fail(`the disk of ${dataDir} has ${room.freeFiles} files left, less than 2 %`, `du --inodes -x ${dataDir}`),
      );
    }
    const kind = kindOf(machine.read("/proc/self/mounts") ?? "", dataDir);
    if (network.test(kind)) {
      found.push(
        fail(
          `${dataDir} is on ${kind}: what is kept there must be on a local disk`,
          "set data-dir to a folder of a local disk",
        ),
      );
    } else if (kind === "tmpfs") {
      found.push(
        warn(
          `${dataDir} is in memory, and empty after a restart of the machine`,
          "set data-dir to a folder of a local disk",
        ),
      );
    }
    return found;
  },
};

function ofRoom(dataDir: string, free: number, total: number): Finding {
  const words = `${(free / gibibyte).toFixed(1)} GiB of ${(total / gibibyte).toFixed(1)} GiB are free for ${dataDir}`;
  const look = `du -xh --max-depth=2 ${dataDir} | sort -h | tail`;
  if (free < gibibyte) return fail(words, look);
  return free < 10 * gibibyte || free < total / 20 ? warn(words, look) : ok(words);
}

/** The type of the innermost mount that holds the path. */
function kindOf(mounts: string, path: string): string {
  const holds = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, point = "?"]) => path === point || path.startsWith(point === "/" ? "/" : `${point}/`));
  const deepest = holds.reduce<string[] | undefined>(
    (best, each) => ((each[1] ?? "").length >= (best?.[1] ?? "").length ? each : best),
    undefined,
  );
  return deepest?.[2] ?? "";
}
