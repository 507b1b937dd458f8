import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

/** The devices, such as `sda1`, of the file systems that these paths are on; those of a network or of memory have none. */
export function vitalDevices(paths: readonly string[], mountinfo = "/proc/self/mountinfo"): ReadonlySet<string> {
  const mounts = readFileSync(mountinfo, "utf8").split("\n").flatMap(parse);
  const devices = paths.flatMap((path) => {
    const below = mounts.filter(({ at }) => path === at || path.startsWith(at === "/" ? "/" : `${at}/`));
    // The one mounted last covers those before it.
    const mount = below.reduce<Mount | undefined>(
      (best, each) => (!best || each.at.length >= best.at.length ? each : best),
      undefined,
    );
    return mount ? [nameOf(mount)] : [];
  });
  return new Set(devices.filter((device) => device !== ""));
}

interface Mount {
  number: string;
  at: string;
  source: string;
}

function parse(line: string): Mount[] {
  const [own = "", rest = ""] = line.split(" - ");
  const [, , number, , at] = own.split(" ");
  const source = rest.split(" ")[1];
  return number && at && source ? [{ number, at: at.replace(/\\040/g, " "), source }] : [];
}

/** As the kernel calls it: `/dev/mapper/root` is `dm-0` there. */
function nameOf({ number, source }: Mount): string {
  try {
    return basename(realpathSync(`/sys/dev/block/${number}`));
  } catch {
    return source.startsWith("/dev/") ? basename(source) : "";
  }
}
