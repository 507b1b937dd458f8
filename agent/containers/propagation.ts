import { readFileSync } from "node:fs";

/** Mount points by which later mounts are told to others: on most machines all, because systemd makes them so. */
export function sharedMounts(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): (path: string) => boolean {
  const mounts = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter((fields) => fields.length > 6)
    .map((fields) => ({
      at: (fields[4] ?? "/").replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      shared: fields
        .slice(6, fields.indexOf("-"))
        .some((tag) => tag.startsWith("shared:") || tag.startsWith("master:")),
    }));
  return (path) => {
    const holds = ({ at }: { at: string }) => at === "/" || path === at || path.startsWith(`${at}/`);
    // The last of the longest is the one on top.
    return mounts.filter(holds).reduce((best, mount) => (mount.at.length >= best.at.length ? mount : best), {
      at: "",
      shared: false,
    }).shared;
  };
}
