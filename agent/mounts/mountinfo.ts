import { readFileSync } from "node:fs";

/** What is mounted, as the kernel tells it: the only source that never touches, and so never waits for, the mounted thing itself. */
export interface MountEntry {
  path: string;
  source: string;
  type: string;
}

/** One entry for each mount, in the order in which they were made. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const [before, after] = line.split(" - ");
    const path = before?.split(" ")[4];
    const [type, source] = after?.split(" ") ?? [];
    return path && type && source !== undefined ? [{ path: plain(path), source: plain(source), type }] : [];
  });
}

/** Blanks, tabs, newlines and backslashes stand as octal numbers. */
const plain = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

export const mountsNow = () => parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));

/** The topmost mount at exactly this path. */
export const mountAt = (path: string): MountEntry | undefined => mountsNow().findLast((entry) => entry.path === path);

/** At or below the path, the latest first: the order in which they can be undone. */
export const mountsUnder = (root: string): MountEntry[] =>
  mountsNow()
    .filter(({ path }) => path === root || path.startsWith(`${root}/`))
    .reverse();
